/**
 * Encodes an L2-normalized vector as signed bytes, a component each, the largest as ±127. A cosine changes by less than 0.002, and by less
 * than 0.006 where one component is most of the vector (`test/db/vector-encoding.test.ts`).
 */
export function encodeVector(vector: Float32Array): Buffer {
  let largest = 0;
  for (const component of vector) largest = Math.max(largest, Math.abs(component));
  const bytes = Buffer.alloc(vector.length);
  if (largest === 0) return bytes;
  for (const [index, component] of vector.entries()) bytes.writeInt8(Math.round((component / largest) * 127), index);
  return bytes;
}

/** Decodes a vector of {@link encodeVector}, L2-normalized. */
export function decodeVector(bytes: Uint8Array): Float32Array {
  const components = new Int8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let squares = 0;
  for (const component of components) squares += component * component;
  const scale = squares === 0 ? 0 : 1 / Math.sqrt(squares);
  const vector = new Float32Array(components.length);
  for (let index = 0; index < vector.length; index++) vector[index] = (components[index] as number) * scale;
  return vector;
}

/** Decodes a vector that was stored as little-endian 32-bit floats. */
export function decodeFloats(bytes: Uint8Array): Float32Array {
  // A copy: the driver's buffer is shared and need not be aligned.
  const copy = new Uint8Array(bytes);
  return new Float32Array(copy.buffer, 0, copy.byteLength / 4);
}

/** Computes the binary code of a vector: a bit per component, 1 where it is positive, as text of 0 and 1. */
export function toBinaryCode(vector: Float32Array): string {
  let bits = '';
  for (const number of vector) bits += number > 0 ? '1' : '0';
  return bits;
}
