/** Where a passage stands in its text; `end` is exclusive. */
export interface Range {
  start: number;
  end: number;
}

/** A word as the model sees it: where it stands, and the ids of its pieces. */
export interface Word extends Range {
  ids: readonly number[];
}

/** A passage that fits the model: its range and the ids of all its words. */
export interface Passage extends Range {
  ids: number[];
}

/** At most this many tokens in a passage, and this many of them shared with the one before. */
export interface ChunkSize {
  tokens: number;
  shared: number;
}

/**
 * Cuts a text of `length` characters into passages between words. The first starts at 0 and the last ends at the text's
 * end, whatever white space is there. No word may have more tokens than a passage (the model's longest has 100).
 * A text without any token has no passage.
 */
export function cutByTokens(words: readonly Word[], length: number, size: ChunkSize): Passage[] {
  const passages: Passage[] = [];
  let first = 0;
  while (first < words.length) {
    const next = endOfPassage(words, first, size.tokens);
    const ids = words.slice(first, next).flatMap((word) => word.ids);
    if (ids.length > 0) passages.push({ start: words[first]?.start ?? 0, end: words[next - 1]?.end ?? length, ids });
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
    // A word longer than a passage would otherwise never be passed.
    if (tokens > tokensMax && index > first) break;
  }
  return index;
}

/** Goes back from `next` as far as the shared tokens reach, but always past the former start. */
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
 * Cuts a text into passages of at most `size` characters, of which `shared` (less than half) are shared: for models
 * whose tokenizer is elsewhere. Cuts behind white space where the last quarter of a passage has some, and never inside
 * a surrogate pair.
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

/** The last place in (from, to] that stands behind white space, else `to`, moved off the middle of a character. */
function goodCut(text: string, from: number, to: number): number {
  for (let cut = to; cut > from; cut--) if (/\s/.test(text.charAt(cut - 1))) return cut;
  return isMiddleOfPair(text, to) ? to - 1 : to;
}

function isMiddleOfPair(text: string, index: number): boolean {
  return (text.codePointAt(index - 1) ?? 0) > 0xffff;
}
