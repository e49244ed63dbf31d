import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { changeTags, normalizeTags, requireTags } from '../../../api/listing/tags.ts';

describe('the rule for tags', () => {
  it('trims, lowers the case, joins words by _, and drops empties and repeats, first seen first', () => {
    expect(normalizeTags([' B ', 'a', 'My  Tag', 'my\ttag', '', ' \n ', 'A', 'b'])).toEqual(['b', 'a', 'my_tag']);
    expect(normalizeTags(['ÄÖ Ü', 'İ', '日本 語', 'a\u00a0b'])).toEqual(['äö_ü', 'i̇', '日本_語', 'a_b']);
  });

  it('holds for what it made, and makes nothing twice', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'binary' })), (tags) => {
        const once = normalizeTags(tags);
        expect(normalizeTags(once)).toEqual(once);
        expect(new Set(once).size).toBe(once.length);
        for (const tag of once) expect(tag).not.toMatch(/^$|\s/);
      }),
    );
  });
});

describe('a change of tags', () => {
  it('replaces all by `tags`, even by none, and then ignores the others', () => {
    expect(changeTags(['a'], { tags: ['B'], add_tags: ['c'], remove_tags: ['b'] })).toEqual(['b']);
    expect(changeTags(['a'], { tags: [], add_tags: ['c'] })).toEqual([]);
  });

  it('else adds first and then removes', () => {
    expect(changeTags(['a', 'b'], { add_tags: ['C', 'd'], remove_tags: ['B', 'd'] })).toEqual(['a', 'c']);
    expect(changeTags(['a'], {})).toEqual(['a']);
  });
});

describe('the bounds of tags', () => {
  it('are 100 tags of 100 characters, counted as a person counts them', () => {
    const tags = Array.from({ length: 100 }, (_, i) => `${i}`);
    expect(() => requireTags(tags)).not.toThrow();
    expect(() => requireTags([...tags, 'x'])).toThrow('at most 100 tags, this would make 101');
    expect(() => requireTags(['🦭'.repeat(100)])).not.toThrow();
    expect(() => requireTags(['x'.repeat(101)])).toThrow('at most 100 characters');
  });
});
