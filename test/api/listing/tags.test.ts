import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { changeTags, normalizeTags, requireTags } from '../../../api/listing/tags.ts';

describe('normalizeTags', () => {
  it('trims, lower-cases, joins words by _, and drops empty tags and duplicates in the order of first use', () => {
    expect(normalizeTags([' B ', 'a', 'My  Tag', 'my\ttag', '', ' \n ', 'A', 'b'])).toEqual(['b', 'a', 'my_tag']);
    expect(normalizeTags(['ÄÖ Ü', 'İ', '日本 語', 'a\u00a0b'])).toEqual(['äö_ü', 'i̇', '日本_語', 'a_b']);
  });

  it('is idempotent and returns each tag once', () => {
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

describe('changeTags', () => {
  it('replaces all tags by `tags`, also by an empty list, and then ignores the other fields', () => {
    expect(changeTags(['a'], { tags: ['B'], add_tags: ['c'], remove_tags: ['b'] })).toEqual(['b']);
    expect(changeTags(['a'], { tags: [], add_tags: ['c'] })).toEqual([]);
  });

  it('otherwise adds tags, then removes tags', () => {
    expect(changeTags(['a', 'b'], { add_tags: ['C', 'd'], remove_tags: ['B', 'd'] })).toEqual(['a', 'c']);
    expect(changeTags(['a'], {})).toEqual(['a']);
  });
});

describe('requireTags', () => {
  it('accepts 100 tags of 100 code points', () => {
    const tags = Array.from({ length: 100 }, (_, i) => `${i}`);
    expect(() => requireTags(tags)).not.toThrow();
    expect(() => requireTags([...tags, 'x'])).toThrow('must be at most 100 tags; this would make 101');
    expect(() => requireTags(['🦭'.repeat(100)])).not.toThrow();
    expect(() => requireTags(['x'.repeat(101)])).toThrow('must be at most 100 characters');
  });
});
