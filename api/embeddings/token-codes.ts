/** Dimensions of the vector of a token. */
export const TOKEN_DIMENSIONS = 128;
/** Bits of the code of a dimension. */
const BITS = 2;
/** Dimensions in a byte. */
export const DIMENSIONS_PER_BYTE = 8 / BITS;
/** Bytes of the code of a token. */
export const TOKEN_CODE_BYTES = TOKEN_DIMENSIONS / DIMENSIONS_PER_BYTE;

/**
 * The optimal quantizer of four levels for a normal distribution (Max, Quantizing for Minimum Distortion, 1960), as which the components of
 * a projected vector are distributed: code 0 to 3 stand for these levels, in standard deviations, divided at 0 and at ± the threshold.
 */
const LEVELS = [-1.51, -0.4528, 0.4528, 1.51] as const;
const THRESHOLD = 0.9816;
/** Mean of the product of a component and its level, in variances. */
const PRODUCT = 0.8825;
const DEVIATION = 1 / Math.sqrt(TOKEN_DIMENSIONS);

/** The contribution of each code of a component to a dot product, so that the product of a vector with its code has a mean of 1. */
export const LEVEL_OF_CODE = LEVELS.map((level) => (level * DEVIATION) / PRODUCT);

/** Encodes L2-normalized vectors of tokens, two bits a dimension, the first dimension of a byte in its lowest bits. */
export function encodeTokens(vectors: readonly Float32Array[]): Uint8Array {
  const codes = new Uint8Array(vectors.length * TOKEN_CODE_BYTES);
  for (const [index, vector] of vectors.entries()) {
    for (let k = 0; k < TOKEN_DIMENSIONS; k++) {
      const at = index * TOKEN_CODE_BYTES + Math.floor(k / DIMENSIONS_PER_BYTE);
      codes[at] = (codes[at] as number) | (codeOf(vector[k] as number) << (BITS * (k % DIMENSIONS_PER_BYTE)));
    }
  }
  return codes;
}

function codeOf(component: number): number {
  if (component > 0) return component > THRESHOLD * DEVIATION ? 3 : 2;
  return component > -THRESHOLD * DEVIATION ? 1 : 0;
}
