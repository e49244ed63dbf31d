import { readFileSync } from 'node:fs';

/**
 * Tokens of o200k_base, in the order of their ranks: for each the number of its bytes, then its bytes. Written by `npm run ranks` from
 * the package gpt-tokenizer.
 */
const FILE = new URL('./o200k_base.bin', import.meta.url);
/** A power of two above the number of tokens (199,998), so that most look-ups compare one token. */
const SLOTS = 2 ** 19;

/** The tokens, as typed arrays of 5 MB together: a map of 199,998 strings takes several times that. */
interface Ranks {
  /** The content of the file. */
  tokens: Buffer;
  /** Position of each token's length in `tokens`, by rank. */
  starts: Uint32Array;
  /** Rank + 1 at the hash of a token's bytes, or at the next free slot; 0 where no token is. */
  slots: Uint32Array;
}

let ranks: Ranks | undefined;

/** Returns the rank of the token that `bytes` holds from `start` up to `end`, or -1 where these bytes are no token. */
export function rankOf(bytes: Uint8Array, start: number, end: number): number {
  ranks ??= readRanks();
  const { tokens, starts, slots } = ranks;
  for (let slot = hash(bytes, start, end); slots[slot] !== 0; slot = (slot + 1) % SLOTS) {
    const rank = (slots[slot] as number) - 1;
    if (isToken(tokens, starts[rank] as number, bytes, start, end)) return rank;
  }
  return -1;
}

function readRanks(): Ranks {
  const tokens = readFileSync(FILE);
  const starts: number[] = [];
  const slots = new Uint32Array(SLOTS);
  for (let at = 0; at < tokens.length; at += 1 + (tokens[at] as number)) {
    starts.push(at);
    let slot = hash(tokens, at + 1, at + 1 + (tokens[at] as number));
    while (slots[slot] !== 0) slot = (slot + 1) % SLOTS;
    slots[slot] = starts.length;
  }
  return { tokens, starts: Uint32Array.from(starts), slots };
}

/** FNV-1a, whose high bits are mixed into the low ones. */
function hash(bytes: Uint8Array, start: number, end: number): number {
  let value = 0x811c9dc5;
  for (let at = start; at < end; at++) value = Math.imul(value ^ (bytes[at] as number), 0x01000193);
  return (value ^ (value >>> 15)) & (SLOTS - 1);
}

function isToken(tokens: Uint8Array, at: number, bytes: Uint8Array, start: number, end: number): boolean {
  if (tokens[at] !== end - start) return false;
  for (let index = 0; index < end - start; index++) {
    if (tokens[at + 1 + index] !== bytes[start + index]) return false;
  }
  return true;
}
