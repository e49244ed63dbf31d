import { randomNumbers } from '../eval/score.ts';

/** Frequent English stop words, which are not indexed. */
const STOP_WORDS =
  'the of and to a in that it is was for on with as be at by this had not are but from or have an they which you were all her she there their we him been has when who will'.split(
    ' ',
  );
const WORDS = 50_000;
const STARTS = 'b,c,d,f,g,h,l,m,n,p,r,s,t,v,br,cl,cr,dr,fl,gr,pl,pr,sh,st,tr'.split(',');
const VOWELS = 'a,e,i,o,u,a,e,i,o,ea,ou,ai'.split(',');
const CLOSINGS = ',,,,n,r,s,t,l,m,nd,ck'.split(',');
const SUFFIXES = ',,,,,,s,s,ed,ing,er,ion,ly'.split(',');
/** Parameters of the Zipf-Mandelbrot law for natural texts. */
const EXPONENT = 1.05;
const SHIFT = 2.7;

const TAGS = 'decision,bug,deploy,meeting,person,api,database,idea,howto,preference,travel,budget,release,test'.split(
  ',',
);
/** Interval of `occurred_at`, from the start of 2025. */
const EVERY_MS = 30_000;
const FIRST = Date.UTC(2025, 0, 1);
/** Memories per session. Three of ten memories belong to a session. */
const SESSION = 10;

/** Number of the growing tenant; the others start at 1. */
export const GROWING = 0;

/** A memory to store. */
export interface Note {
  title: string;
  content: string;
  tags: string[];
  session_id: string | null;
  occurred_at: Date;
}

/** Texts and queries that are the same in every run. */
export interface Texts {
  /** Returns the `index`-th memory of a tenant: 20 to 60 words for {@link GROWING}, 30 for others. */
  note(tenant: number, index: number): Note;
  /** Returns different queries of 3 to 8 words, rare and common, each from one of the tenant's first memories. */
  questions(tenant: number, memories: number, count: number): string[];
}

/** Creates texts from 50,000 made-up words with the frequencies of a natural language. */
export function createTexts(): Texts {
  const vocabulary = makeVocabulary();
  const draw = drawByRank(vocabulary.length);
  const wordsOf = (random: () => number, count: number) =>
    Array.from({ length: count }, () => vocabulary[draw(random)] as string);

  function note(tenant: number, index: number): Note {
    const random = randomNumbers(Math.imul(tenant + 1, 0x9e3779b1) ^ Math.imul(index + 1, 0x85ebca6b));
    const words = wordsOf(random, tenant === GROWING ? 20 + Math.floor(random() * 41) : 30);
    const session = Math.floor(index / SESSION);
    return {
      title: capitalize(wordsOf(random, 3 + Math.floor(random() * 4)).join(' ')),
      content: inSentences(words, random),
      tags: TAGS.filter(() => random() < 1.5 / TAGS.length),
      session_id: session % 10 < 3 ? `session-${session}` : null,
      occurred_at: new Date(FIRST + index * EVERY_MS),
    };
  }

  function questions(tenant: number, memories: number, count: number): string[] {
    const random = randomNumbers(count);
    const drawn = new Set<string>();
    while (drawn.size < count) {
      const about = note(tenant, Math.floor(random() * memories));
      const words = about.content.toLowerCase().match(/\w+/g) ?? [];
      const length = 3 + Math.floor(random() * 6);
      const query = Array.from({ length }, () => words[Math.floor(random() * words.length)]);
      // A query of stop words only has no hits.
      if (query.some((word) => word && !STOP_WORDS.includes(word))) drawn.add(query.join(' '));
    }
    return [...drawn];
  }

  return { note, questions };
}

/** Returns the query with its longest word mistyped: two letters swapped, and one added. */
export function mistype(query: string): string {
  const longest = query.split(' ').reduce((a, b) => (b.length > a.length ? b : a));
  const at = Math.floor(longest.length / 2) - 1;
  const swapped = longest.slice(0, at) + longest[at + 1] + longest[at] + longest.slice(at + 2);
  return query.replace(longest, `${swapped}q`);
}

/** Creates the words, most frequent first. Frequent words are short. */
function makeVocabulary(): string[] {
  const random = randomNumbers(1);
  const pick = (from: readonly string[]) => from[Math.floor(random() * from.length)] as string;
  const words = new Set(STOP_WORDS);
  while (words.size < WORDS) {
    const syllables = (words.size < 2_000 ? 1 : 2) + Math.floor(random() * 2);
    const stem = Array.from({ length: syllables }, () => pick(STARTS) + pick(VOWELS) + pick(CLOSINGS)).join('');
    words.add(stem + pick(SUFFIXES));
  }
  return [...words];
}

/** Returns a function that draws ranks from 0 by Zipf's law. */
function drawByRank(ranks: number): (random: () => number) => number {
  const upTo = new Float64Array(ranks);
  let total = 0;
  for (let rank = 0; rank < ranks; rank++) {
    total += 1 / (rank + 1 + SHIFT) ** EXPONENT;
    upTo[rank] = total;
  }
  return (random) => {
    const wanted = random() * total;
    let [low, high] = [0, ranks - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((upTo[middle] as number) < wanted) low = middle + 1;
      else high = middle;
    }
    return low;
  };
}

function inSentences(words: readonly string[], random: () => number): string {
  const sentences: string[] = [];
  for (let at = 0; at < words.length; ) {
    const length = 7 + Math.floor(random() * 8);
    sentences.push(`${capitalize(words.slice(at, at + length).join(' '))}.`);
    at += length;
  }
  return sentences.join(' ');
}

function capitalize(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
