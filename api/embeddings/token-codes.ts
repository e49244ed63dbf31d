/** Dimensions of the vector of a token. */
export const TOKEN_DIMENSIONS = 128;
/** Bytes of the code of a token: a bit for each dimension. */
export const TOKEN_CODE_BYTES = TOKEN_DIMENSIONS / 8;

/** Encodes vectors of tokens by their signs: bit `k % 8` of byte `k / 8` is set where dimension `k` is positive. */
export function encodeTokens(vectors: readonly Float32Array[]): Uint8Array {
  const codes = new Uint8Array(vectors.length * TOKEN_CODE_BYTES);
  for (const [index, vector] of vectors.entries()) {
    for (let k = 0; k < TOKEN_DIMENSIONS; k++) {
      const at = index * TOKEN_CODE_BYTES + (k >> 3);
      if ((vector[k] as number) > 0) codes[at] = (codes[at] as number) | (1 << (k & 7));
    }
  }
  return codes;
}
