import type { Item } from './item.ts';

/** The parts of an item by which repeats are recognized. */
interface Normalized {
  title: string;
  /** Title and text. */
  whole: string;
  text: string;
  sentences: string[];
  /** The text without its line breaks. */
  flat: string;
}

/** End of a sentence, or of a line. */
const SENTENCE_END = /(?<=[.!?…。！？])\s+|\s*\n\s*/u;
/** A question mark changes what a sentence says; these do not. */
const CLOSING_MARKS = /[.!…。！]+$/u;

/**
 * Maps each item to the items that say all that it says: those with the same project, all of its tags, and its title and text as
 * whole sentences, apart from case, white space and the marks that end a sentence. Of equal items, the first one contains the others.
 */
export function findContainers(items: readonly Item[]): Map<Item, Set<Item>> {
  const normalized = new Map(items.map((item) => [item, normalize(item)]));
  const bySentence = new Map<string, Item[]>();
  for (const [item, { whole, flat }] of normalized) {
    for (const sentence of new Set([...whole.split('\n'), flat])) {
      const holders = bySentence.get(sentence);
      if (holders) holders.push(item);
      else bySentence.set(sentence, [item]);
    }
  }
  const rankOf = new Map(items.map((item, rank) => [item, rank]));
  const isFirst = (one: Item, other: Item) => (rankOf.get(one) ?? 0) < (rankOf.get(other) ?? 0);
  const containers = new Map<Item, Set<Item>>();
  for (const [item, said] of normalized) {
    const containing = holdersOf(said, bySentence).filter((holder) => {
      const outer = normalized.get(holder) as Normalized;
      if (holder === item || !contains(holder, outer, item, said)) return false;
      return isFirst(holder, item) || !contains(item, said, holder, outer);
    });
    if (containing.length > 0) containers.set(item, new Set(containing));
  }
  return containers;
}

/** Returns the items that hold the rarest sentence of an item, or its whole text as one sentence. */
function holdersOf({ sentences, flat }: Normalized, bySentence: ReadonlyMap<string, readonly Item[]>): readonly Item[] {
  const held = sentences.map((sentence) => bySentence.get(sentence) ?? []);
  const rarest = held.reduce((best, holders) => (holders.length < best.length ? holders : best), held[0] ?? []);
  return [...rarest, ...(bySentence.get(flat) ?? [])];
}

function contains({ memory: holder }: Item, outer: Normalized, { memory }: Item, inner: Normalized): boolean {
  return (
    (outer.text.includes(inner.text) || outer.flat === inner.flat) &&
    outer.whole.includes(inner.title) &&
    holder.project === memory.project &&
    memory.tags.every((tag) => holder.tags.includes(tag))
  );
}

/** Puts each sentence on a line of its own, with a line break before and behind. */
function normalize({ memory, text }: Item): Normalized {
  const title = toSentences(memory.title);
  const sentences = toSentences(text);
  return {
    title: `\n${title.join('\n')}\n`,
    text: `\n${sentences.join('\n')}\n`,
    whole: `\n${[...title, ...sentences].join('\n')}\n`,
    sentences,
    flat: sentences.join(' '),
  };
}

function toSentences(text: string): string[] {
  return text
    .normalize('NFC')
    .toLowerCase()
    .split(SENTENCE_END)
    .map((sentence) => sentence.replace(/\s+/gu, ' ').trim())
    .map((sentence) => sentence.replace(CLOSING_MARKS, '') || sentence)
    .filter((sentence) => sentence !== '');
}
