import { normalize } from '../normalize.ts';
import { TOKEN_DIMENSIONS } from '../token-codes.ts';
import { LOCAL_DIMENSIONS } from './model-name.ts';

/** Seed of the signs. Stored codes depend on it: raise the generation of the model's name when it changes. */
const SEED = 0x5eed;

/** A random sign for each component of the model's vectors, the same in every process. */
const SIGNS = Float32Array.from(randomBits(SEED, LOCAL_DIMENSIONS), (bit) => (bit ? 1 : -1));

/**
 * Projects the vector of a token from the model's dimensions to fewer, L2-normalized, so that dot products are about kept: adds components
 * with random signs, then mixes the sums by a Walsh-Hadamard transform. No training data is needed; a projection learned from texts was
 * not better.
 * @param states vectors of tokens, one after the other
 */
export function projectToken(states: Float32Array, token: number): Float32Array {
  const from = token * LOCAL_DIMENSIONS;
  const sums = new Float32Array(TOKEN_DIMENSIONS);
  for (let k = 0; k < LOCAL_DIMENSIONS; k++) {
    const to = k % TOKEN_DIMENSIONS;
    sums[to] = (sums[to] as number) + (SIGNS[k] as number) * (states[from + k] as number);
  }
  transform(sums);
  return normalize(sums);
}

/** The Walsh-Hadamard transform, in place and not scaled. The length is a power of two. */
function transform(values: Float32Array): void {
  for (let half = 1; half < values.length; half *= 2) {
    for (let block = 0; block < values.length; block += 2 * half) {
      for (let at = block; at < block + half; at++) {
        const a = values[at] as number;
        const b = values[at + half] as number;
        values[at] = a + b;
        values[at + half] = a - b;
      }
    }
  }
}

/** Generates bits by a 32-bit xorshift (Marsaglia 2003). */
function randomBits(seed: number, count: number): boolean[] {
  let state = seed;
  return Array.from({ length: count }, () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state & 0x10000) !== 0;
  });
}
