import { expect, it } from 'vitest';
import { normalize } from '../../../api/embeddings/normalize.ts';
import { encodeTokens, TOKEN_CODE_BYTES, TOKEN_DIMENSIONS } from '../../../api/embeddings/token-codes.ts';
import { maxSimilarity, prepareTokens } from '../../../api/search/late-interaction.ts';

/** Returns normally distributed numbers by the method of Box and Muller, from a linear congruential generator. */
function normalNumbers(seed: number): () => number {
  let state = seed;
  const uniform = () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return (state + 1) / 2 ** 32;
  };
  return () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
}

const dot = (a: Float32Array, b: Float32Array) => a.reduce((sum, number, k) => sum + number * (b[k] as number), 0);

it('codes of tokens estimate the cosine with a vector to .04', () => {
  const next = normalNumbers(7);
  const errors: number[] = [];
  const own: number[] = [];
  for (let n = 0; n < 500; n++) {
    const token = normalize(Float32Array.from({ length: TOKEN_DIMENSIONS }, next));
    const noise = normalize(Float32Array.from({ length: TOKEN_DIMENSIONS }, next));
    const share = n / 500;
    const near = normalize(token.map((number, k) => share * number + (1 - share) * (noise[k] as number)));
    const estimate = (query: Float32Array) =>
      maxSimilarity(
        prepareTokens({ model: 'm', words: [{ text: 'word', tokens: [query] }] }, new Map([['word', 1]])),
        encodeTokens([token]),
      );
    errors.push(estimate(near) - dot(near, token));
    own.push(estimate(token));
  }
  const mean = (numbers: readonly number[]) => numbers.reduce((sum, number) => sum + number, 0) / numbers.length;
  expect(Math.sqrt(mean(errors.map((error) => error ** 2)))).toBeLessThan(0.04);
  expect(Math.abs(mean(errors))).toBeLessThan(0.005);
  expect(mean(own)).toBeCloseTo(1, 2);
});

it('late interaction takes the best token of a passage for each token of the query', () => {
  const unit = (at: number) =>
    normalize(Float32Array.from({ length: TOKEN_DIMENSIONS }, (_, k) => Math.cos(k * at + at)));
  const query = prepareTokens(
    {
      model: 'm',
      words: [
        { text: 'harbor', tokens: [unit(1)] },
        { text: 'north', tokens: [unit(2)] },
      ],
    },
    new Map([
      ['harbor', 3],
      ['north', 1],
    ]),
  );
  const both = encodeTokens([unit(5), unit(2), unit(1)]);
  expect(both).toHaveLength(3 * TOKEN_CODE_BYTES);
  expect(maxSimilarity(query, both)).toBeGreaterThan(0.9);
  // The rarer word weighs three times as much.
  const harbor = maxSimilarity(query, encodeTokens([unit(1)]));
  const north = maxSimilarity(query, encodeTokens([unit(2)]));
  expect(harbor).toBeGreaterThan(2 * north);
  expect(maxSimilarity(query, new Uint8Array())).toBe(0);
});

it('compares tokens of a query two at a time as it does one by one', () => {
  const next = normalNumbers(3);
  const unit = () => normalize(Float32Array.from({ length: TOKEN_DIMENSIONS }, next));
  const codes = encodeTokens(Array.from({ length: 20 }, unit));
  const words = ['harbor', 'north', 'ferry'].map((text) => ({ text, tokens: [unit()] }));
  const idf = new Map(words.map(({ text }, index) => [text, 1 + index]));
  const alone = words.map((word) => maxSimilarity(prepareTokens({ model: 'm', words: [word] }, idf), codes));
  const weighted = alone.map((similarity, index) => similarity * (1 + index));
  expect(maxSimilarity(prepareTokens({ model: 'm', words }, idf), codes)).toBeCloseTo(
    weighted.reduce((sum, one) => sum + one, 0) / 6,
    10,
  );
});
