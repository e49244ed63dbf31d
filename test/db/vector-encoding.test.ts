import { describe, expect, it } from 'vitest';
import { decodeFloats, decodeVector, encodeVector } from '../../db/queries/search/vector-encoding.ts';
import { randomNumbers } from '../../scripts/eval/score.ts';

const dot = (a: Float32Array, b: Float32Array) => a.reduce((sum, number, k) => sum + number * (b[k] as number), 0);

function randomVector(random: () => number, dimensions: number): Float32Array {
  const vector = new Float32Array(dimensions).map(() => random() + random() + random() - 1.5);
  const length = Math.hypot(...vector);
  return vector.map((number) => number / length);
}

describe('vectors as signed bytes', () => {
  it.each([256, 384, 3_072])('change the cosines of vectors of %i dimensions by less than 0.002', (dimensions) => {
    const random = randomNumbers(dimensions);
    const vectors = Array.from({ length: 40 }, () => randomVector(random, dimensions));
    const decoded = vectors.map((vector) => decodeVector(encodeVector(vector)));
    const differences = decoded.flatMap((vector, index) =>
      vectors.map((query) => dot(vector, query) - dot(vectors[index] as Float32Array, query)),
    );
    expect(Math.max(...differences.map(Math.abs))).toBeLessThan(0.002);
    const rootMeanSquare = Math.sqrt(differences.reduce((sum, one) => sum + one * one, 0) / differences.length);
    expect(rootMeanSquare).toBeLessThan(0.0005);
  });

  it('change the cosines of vectors with one large component by less than 0.006', () => {
    const random = randomNumbers(5);
    const withLarge = () => {
      const vector = randomVector(random, 3_072).map((component) => component * 0.76);
      vector[7] = 0.65;
      return vector;
    };
    const vectors = Array.from({ length: 20 }, withLarge);
    const differences = vectors.flatMap((vector) => {
      const decoded = decodeVector(encodeVector(vector));
      return vectors.map((query) => Math.abs(dot(decoded, query) - dot(vector, query)));
    });
    expect(Math.max(...differences)).toBeLessThan(0.006);
  });

  it('are L2-normalized, and take a byte for each component', () => {
    const vector = randomVector(randomNumbers(1), 384);
    expect(encodeVector(vector)).toHaveLength(384);
    const decoded = decodeVector(encodeVector(vector));
    expect(dot(decoded, decoded)).toBeCloseTo(1, 6);
  });

  it('keep a vector with one component, and one of zeros', () => {
    expect(decodeVector(encodeVector(Float32Array.of(0, -1, 0)))).toEqual(Float32Array.of(0, -1, 0));
    expect(decodeVector(encodeVector(new Float32Array(3)))).toEqual(new Float32Array(3));
  });
});

it('decodes floats at any offset of a shared buffer', () => {
  const stored = Buffer.concat([Buffer.from([9]), Buffer.from(Float32Array.of(0.5, -0.25).buffer)]).subarray(1);
  expect(decodeFloats(stored)).toEqual(Float32Array.of(0.5, -0.25));
});
