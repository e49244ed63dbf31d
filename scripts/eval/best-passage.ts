/*
 * Which part of a note answers a question is not in the sets. It is taken to be where most of the question's words are: the evaluation's
 * own way of finding it, which shares no code with the service.
 */

/** Words of a passage, and how many consecutive ones of them a package has to hold. */
const PASSAGE_WORDS = 30;
const HELD_WORDS = 20;
/** Words are compared by their beginning, without case and punctuation: a rough stem. */
const STEM_CHARACTERS = 6;

/** In how many of an owner's notes each word occurs. */
export interface WordCounts {
  notes: number;
  counts: ReadonlyMap<string, number>;
}

/** Counts in how many texts each word occurs. */
export function countWords(texts: readonly string[]): WordCounts {
  const counts = new Map<string, number>();
  for (const text of texts)
    for (const stem of new Set(wordsOf(text).map(stemOf))) counts.set(stem, (counts.get(stem) ?? 0) + 1);
  return { notes: texts.length, counts };
}

/** Returns the 30 consecutive words of a note with the rarest words of the question, the first ones where several are equal. */
export function bestPassage(text: string, question: string, { notes, counts }: WordCounts): string[] {
  const words = wordsOf(text);
  const stems = words.map(stemOf);
  const asked = new Set(wordsOf(question).map(stemOf).filter(Boolean));
  let best = { from: 0, weight: 0 };
  for (let from = 0; from + PASSAGE_WORDS <= words.length; from++) {
    const held = new Set(stems.slice(from, from + PASSAGE_WORDS).filter((stem) => asked.has(stem)));
    const weight = [...held].reduce((sum, stem) => sum + Math.log(notes / (counts.get(stem) ?? 1)), 0);
    if (weight > best.weight + 1e-9) best = { from, weight };
  }
  return words.slice(best.from, best.from + PASSAGE_WORDS);
}

/** Returns true when a text holds 20 consecutive words of a passage, or all of a shorter one. Markdown has its own line breaks and indents. */
export function holdsPassage(text: string, passage: readonly string[]): boolean {
  const length = Math.min(HELD_WORDS, passage.length);
  const flat = ` ${wordsOf(text).join(' ')} `;
  return passage.some(
    (_, from) => from + length <= passage.length && flat.includes(` ${passage.slice(from, from + length).join(' ')} `),
  );
}

function wordsOf(text: string): string[] {
  return text.split(/\s+/u).filter(Boolean);
}

function stemOf(word: string): string {
  return word
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]/gu, '')
    .slice(0, STEM_CHARACTERS);
}
