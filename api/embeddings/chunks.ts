/** Position of a passage in its text, in UTF-16 code units; `end` is exclusive. */
export interface Range {
  start: number;
  end: number;
}

/** A word with its position and the ids of its tokens. */
export interface Word extends Range {
  ids: readonly number[];
  /** Whether it has a meaning of its own: it is neither a stop word nor punctuation, and the model knows it. */
  isContent: boolean;
}

/** A passage that fits the model: its position, its words and the ids of all their tokens. */
export interface Passage extends Range {
  words: readonly Word[];
  ids: number[];
}

/** Maximum number of tokens in a passage, and how many it shares with the one before. */
export interface ChunkSize {
  tokens: number;
  shared: number;
}

/**
 * Splits a text of `length` characters into passages, between words. The first passage starts at 0 and the last ends at
 * the end of the text, including white space. No word may have more tokens than a passage (the model's longest word has
 * 100). A text without tokens has no passages.
 */
export function cutByTokens(words: readonly Word[], length: number, size: ChunkSize): Passage[] {
  const passages: Passage[] = [];
  let first = 0;
  while (first < words.length) {
    const next = endOfPassage(words, first, size.tokens);
    const part = words.slice(first, next);
    const ids = part.flatMap((word) => word.ids);
    if (ids.length > 0)
      passages.push({ start: part[0]?.start ?? 0, end: part.at(-1)?.end ?? length, words: part, ids });
    if (next === words.length) break;
    first = startOfNext(words, first, next, size.shared);
  }
  const [head, tail] = [passages[0], passages.at(-1)];
  if (head) head.start = 0;
  if (tail) tail.end = length;
  return passages;
}

function endOfPassage(words: readonly Word[], first: number, tokensMax: number): number {
  let tokens = 0;
  let index = first;
  for (; index < words.length; index++) {
    tokens += words[index]?.ids.length ?? 0;
    // Without `index > first`, a word longer than a passage would loop forever.
    if (tokens > tokensMax && index > first) break;
  }
  return index;
}

/** Goes back from `next` by at most `shared` tokens, but stays behind `first`. */
function startOfNext(words: readonly Word[], first: number, next: number, shared: number): number {
  let tokens = 0;
  let index = next;
  while (index - 1 > first) {
    tokens += words[index - 1]?.ids.length ?? 0;
    if (tokens > shared) break;
    index--;
  }
  return index;
}

/**
 * Splits a text into passages of at most `size` characters that overlap by `shared` (less than half), for remote models
 * whose tokenizer is unknown. Splits after white space if the last quarter of a passage has some, and never inside a
 * surrogate pair.
 */
export function cutByCharacters(text: string, size: number, shared: number): Range[] {
  if (text.trim() === '') return [];
  const ranges: Range[] = [];
  let start = 0;
  for (;;) {
    if (text.length - start <= size) return [...ranges, { start, end: text.length }];
    const end = goodCut(text, start + Math.floor(size * 0.75), start + size);
    ranges.push({ start, end });
    start = goodCut(text, end - shared, end - Math.ceil(shared / 2));
  }
}

/** Returns the last offset in (from, to] that follows white space, else `to` adjusted to a character boundary. */
function goodCut(text: string, from: number, to: number): number {
  for (let cut = to; cut > from; cut--) if (/\s/.test(text.charAt(cut - 1))) return cut;
  return isMiddleOfPair(text, to) ? to - 1 : to;
}

function isMiddleOfPair(text: string, index: number): boolean {
  return (text.codePointAt(index - 1) ?? 0) > 0xffff;
}
