/** Scales a vector to length 1, in place (L2 normalization). */
export function normalize(vector: Float32Array): Float32Array {
  let squares = 0;
  for (const number of vector) squares += number * number;
  const length = Math.sqrt(squares);
  if (length > 0) for (let k = 0; k < vector.length; k++) vector[k] = (vector[k] as number) / length;
  return vector;
}
