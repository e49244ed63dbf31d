import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Tokenizer } from '@huggingface/tokenizers';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cutByCharacters, cutByTokens, type Word } from '../../../api/embeddings/chunks.ts';
import { WordCutter } from '../../../api/embeddings/local/word-tokenizer.ts';

const file = (name: string) =>
  JSON.parse(readFileSync(join(import.meta.dirname, '../../../api/embeddings/local/model', name), 'utf8'));
const files = [file('tokenizer.json'), file('tokenizer_config.json')] as const;
const cutter = new WordCutter(...files);
const reference = new Tokenizer(...files);

describe('word tokenizer', () => {
  const idsOf = (text: string) => cutter.cut(text).flatMap((word) => word.ids);
  const sameAsReference = (text: string): void => {
    expect(idsOf(text), JSON.stringify(text)).toEqual(reference.encode(text, { add_special_tokens: false }).ids);
  };

  it.each([
    'snake_case camelCase path/to/file.ts --flag=1 "quoted" 8 May 2023',
    '日本語のテキストと中文字符，한국어 조합',
    'naïve café Ångström İstanbul ΟΔΟΣ ﬁne',
    '👩‍👩‍👧 🏳️‍🌈 emoji\u200bzero\ufeffwidth\u00adsoft \v\f\u0085 \u2028x',
    'e\u0301 a\u0338b !\u0338 ≯ \u037e \u0387',
    `${'x'.repeat(101)} ${'y'.repeat(100)}`,
  ])('returns the ids of the reference tokenizer: %s', sameAsReference);

  it('returns them for any text', () => {
    const odd = fc.constantFrom(...' \t\n.,-_[]\u00a0\u3000\u200b\ufeff日本語éÉßİ中ﬁ한👍\u0301aB1'.split(/(?:)/u));
    fc.assert(
      fc.property(fc.string({ unit: fc.oneof(odd, fc.string({ unit: 'binary', maxLength: 1 })) }), sameAsReference),
    );
  });

  it('treats the names of special tokens as text', () => {
    expect(idsOf('[SEP] [MASK]')).not.toContain(102);
    expect(idsOf('[SEP]')).toHaveLength(idsOf('[ sep ]').length);
  });
});

describe('passages', () => {
  const words = fc
    .array(fc.record({ gap: fc.nat(3), length: fc.integer({ min: 1, max: 9 }), tokens: fc.nat(6) }), { maxLength: 200 })
    .map((parts) => {
      let at = 0;
      return parts.map(({ gap, length, tokens }): Word => {
        const start = at + gap;
        at = start + length;
        return { start, end: at, ids: Array.from({ length: tokens }, (_, i) => i + start), isContent: true };
      });
    });

  it('cover the text, keep to the size and the overlap, and always advance', () => {
    fc.assert(
      fc.property(words, fc.nat(5), (list, rest) => {
        const length = (list.at(-1)?.end ?? 0) + rest;
        const passages = cutByTokens(list, length, { tokens: 20, shared: 6 });
        const tokens = list.flatMap(({ ids }) => ids);
        expect(passages.length === 0).toBe(tokens.length === 0);
        for (const [index, { ids, start, end }] of passages.entries()) {
          expect(ids.length).toBeLessThanOrEqual(20);
          const next = passages[index + 1];
          if (next) expect(next.start > start && next.end > end && next.start <= end + 3).toBe(true);
        }
        expect(new Set(passages.flatMap(({ ids }) => ids))).toEqual(new Set(tokens));
        if (passages.length > 0) expect([passages[0]?.start, passages.at(-1)?.end]).toEqual([0, length]);
      }),
    );
  });

  it('split by characters have no gap, end after white space, and never split a character', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('a', 'b', ' ', '👍', '語'), maxLength: 400 }), (text) => {
        const ranges = cutByCharacters(text, 40, 8);
        expect(ranges.length === 0).toBe(text.trim() === '');
        if (ranges.length > 0) expect([ranges[0]?.start, ranges.at(-1)?.end]).toEqual([0, text.length]);
        for (const [index, { start, end }] of ranges.entries()) {
          expect(end - start).toBeLessThanOrEqual(40);
          expect(text.slice(start, end).isWellFormed()).toBe(true);
          const next = ranges[index + 1];
          if (next) expect(next.start > start && next.start <= end && next.end > end).toBe(true);
        }
      }),
    );
  });
});
