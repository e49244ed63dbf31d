/** Length in UTF-16 code units from which the index keeps which blocks of a text hold a term. */
export const LONG_TEXT_MIN = 16_384;
/** Blocks of equal length into which a long text is divided: bits of a `bigint` without its sign. */
const BLOCKS = 48;
const BITS = Array.from({ length: BLOCKS }, (_, block) => 1n << BigInt(block));

/** Returns a function that finds the block of an offset in UTF-16 code units, as a bit. Offsets are to be given in their order. */
export function blockFinder(text: string): (offset: number) => bigint {
  const length = countCharacters(text, 0, text.length);
  let [at, characters] = [0, 0];
  return (offset) => {
    characters += countCharacters(text, at, offset);
    at = Math.max(at, offset);
    return BITS[Math.min(BLOCKS - 1, Math.floor((characters * BLOCKS) / length))] as bigint;
  };
}

/** Counts characters as PostgreSQL does: a surrogate pair is one. */
function countCharacters(text: string, from: number, to: number): number {
  let count = 0;
  for (let at = from; at < to; at++) {
    const code = text.charCodeAt(at);
    if (code < 0xdc00 || code > 0xdfff) count++;
  }
  return count;
}
