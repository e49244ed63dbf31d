import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ENGLISH, readableShare } from '../../../api/embeddings/readable-texts.ts';
import { lowerBound, trustOf, weighSimilarity } from '../../../api/search/model-trust.ts';

const letters = (from: number, to: number) =>
  fc
    .array(fc.integer({ min: from, max: to }), { minLength: 1, maxLength: 40 })
    .map((codes) => String.fromCodePoint(...codes));
const LATIN = letters(0x61, 0x7a);
const OTHER = fc.oneof(
  letters(0x0430, 0x044f),
  letters(0x03b1, 0x03c9),
  letters(0x3041, 0x3096),
  letters(0x4e00, 0x9fa5),
);

const word = (text: string) => ({ text, tokens: [new Float32Array(128)] });

describe('readableShare', () => {
  it.each([
    ['How do we deploy?', 1],
    ['¿Cómo desplegamos el año que viene?', 1],
    ['Đường phố Hà Nội', 1],
    ['как мы собираем релиз', 0],
    ['いつリリースしますか', 0],
    ['كيف ننشر', 0],
    ['2026-11-30 14:00 🚀', 1],
    ['', 1],
  ])('of %j is %d', (text, share) => {
    expect(readableShare(text, ENGLISH)).toBe(share);
  });

  it('is the share of letters, whatever else a text holds', () => {
    fc.assert(
      fc.property(LATIN, OTHER, (latin, other) => {
        const share = readableShare(`${latin} 42, ${other}!`, ENGLISH);
        expect(share).toBeCloseTo(latin.length / (latin.length + other.length), 10);
      }),
    );
  });
});

describe('trust in similarities', () => {
  it('is whole for queries in the script of the model, and for models whose languages are not known', () => {
    fc.assert(
      fc.property(LATIN, OTHER, (latin, other) => {
        const words = [word(latin)];
        expect(trustOf(latin, words, ENGLISH)).toEqual({ trust: 1, words });
        expect(trustOf(other, [word(other)], undefined)).toEqual({ trust: 1, words: [word(other)] });
      }),
    );
  });

  it('falls with the share of letters that the model does not know, and leaves words of its script', () => {
    const mixed = trustOf('как настроить kubernetes', [word('как'), word('kubernetes')], ENGLISH);
    const none = trustOf('как настроить', [word('как')], ENGLISH);
    expect(mixed.words.map(({ text }) => text)).toEqual(['kubernetes']);
    expect(none.words).toEqual([]);
    expect(none.trust).toBeCloseTo(0.3, 10);
    expect(mixed.trust).toBeGreaterThan(none.trust);
    expect(mixed.trust).toBeLessThan(1);
  });

  it('keeps a trusted similarity, and ranks by words what differs in words by more than in doubtful similarities', () => {
    const unit = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(unit, unit, unit, unit, (score, other, words, more) => {
        expect(weighSimilarity({ score, trust: 1 }, words)).toBe(score);
        const [first, second] = [
          weighSimilarity({ score, trust: 0.3 }, words),
          weighSimilarity({ score: other, trust: 0.3 }, more),
        ];
        if (0.7 * (more - words) > 0.3) expect(second).toBeGreaterThan(first as number);
      }),
    );
    expect(weighSimilarity(undefined, 1)).toBeUndefined();
  });

  it('never raises a bound of confidence', () => {
    fc.assert(
      fc.property(fc.double({ min: 0.3, max: 1, noNaN: true }), fc.constantFrom(0.08, 0.155, 0.28), (trust, bound) => {
        expect(lowerBound(bound, trust)).toBeLessThanOrEqual(bound);
      }),
    );
    expect(lowerBound(0.28, 1)).toBe(0.28);
  });
});
