import { rankOf } from './ranks.ts';

/** Position and rank are packed into one number: 22 bits of position (4 MB of text) below 18 bits of rank. */
const POSITIONS = 2 ** 22;
const NONE = -1;

/**
 * Merges the byte pairs (o200k_base) of a piece that the tokenizer does not split beforehand: lowest rank first, leftmost among equals.
 * A heap of candidates takes n·log n steps where the library takes n².
 * @returns the ends of its tokens, in UTF-8 bytes
 */
export function mergeBytePairs(piece: string): number[] {
  const bytes = Buffer.from(piece);
  if (rankOf(bytes, 0, bytes.length) !== NONE) return [bytes.length];
  const next = new Int32Array(bytes.length);
  const previous = new Int32Array(bytes.length + 1);
  for (let at = 0; at <= bytes.length; at++) {
    next[at] = at + 1;
    previous[at] = at - 1;
  }
  const rankAt = new Int32Array(bytes.length).fill(NONE);
  const heap: number[] = [];

  const consider = (at: number) => {
    const second = next[at] as number;
    const rank = second < bytes.length ? rankOf(bytes, at, next[second] as number) : NONE;
    rankAt[at] = rank;
    if (rank !== NONE) push(heap, rank * POSITIONS + at);
  };
  for (let at = 0; at < bytes.length; at++) consider(at);
  for (let top = pop(heap); top !== undefined; top = pop(heap)) {
    const at = top % POSITIONS;
    // Candidates of bytes that were merged since are still in the heap.
    if (rankAt[at] !== Math.floor(top / POSITIONS)) continue;
    const merged = next[at] as number;
    rankAt[merged] = NONE;
    next[at] = next[merged] as number;
    previous[next[at] as number] = at;
    consider(at);
    const before = previous[at] as number;
    if (before >= 0) consider(before);
  }
  const ends: number[] = [];
  for (let at = 0; at < bytes.length; at = next[at] as number) ends.push(next[at] as number);
  return ends;
}

function push(heap: number[], value: number): void {
  let at = heap.push(value) - 1;
  while (at > 0) {
    const parent = (at - 1) >> 1;
    if ((heap[parent] as number) <= value) break;
    heap[at] = heap[parent] as number;
    at = parent;
  }
  heap[at] = value;
}

function pop(heap: number[]): number | undefined {
  const top = heap[0];
  const value = heap.pop();
  if (value === undefined || heap.length === 0) return top;
  let at = 0;
  for (let child = 1; child < heap.length; child = 2 * at + 1) {
    if (child + 1 < heap.length && (heap[child + 1] as number) < (heap[child] as number)) child++;
    if ((heap[child] as number) >= value) break;
    heap[at] = heap[child] as number;
    at = child;
  }
  heap[at] = value;
  return top;
}
