import { invalidField } from '../errors.ts';
import { wordsOf } from './tokenizer.ts';

/** A query, taken apart. */
export interface Question {
  /** Words to look for, each once, those of phrases too. */
  words: string[];
  /** The last word, where the query ends in it: somebody may still be typing. */
  last: string | undefined;
  /** Quoted texts that must stand as they are: lower case, single blanks. */
  phrases: string[];
  /** Words that must not stand, each as the forms it is looked up by. */
  excluded: string[][];
}

const PHRASE = /["“”„]([^"“”„]+)["“”„]/gu;
/** Only behind white space: `e-mail` and `-1` at the start of a line are no exclusions. */
const EXCLUSION = /(?<=\s)-(?=[\p{L}\p{N}_])(\S+)/gu;

/**
 * Takes a query apart: plain words, "quoted phrases", and -exclusions behind white space.
 * @throws Problem `unprocessable` when there is no word in it
 */
export function parseQuestion(query: string): Question {
  const phrases = [...query.matchAll(PHRASE)].map((match) => fold(match[1] as string)).filter(hasWord);
  const outside = query.replace(PHRASE, (phrase) => ' '.repeat(phrase.length));
  const excluded = [...outside.matchAll(EXCLUSION)].map((match) => forms(match[1] as string));
  const rest = outside.replace(EXCLUSION, ' ');
  const words = unique([...forms(rest), ...phrases.flatMap(forms)]);
  // Operators that leave nothing to look for are words themselves.
  if (words.length === 0) return plainQuestion(query);
  return { words, last: lastWord(rest), phrases, excluded };
}

/** The query as plain words, its operators taken for words too. @throws Problem `unprocessable` when there is none */
export function plainQuestion(query: string): Question {
  const words = unique(forms(query));
  if (words.length === 0) throw invalidField('query', 'holds no word to look for');
  return { words, last: lastWord(query), phrases: [], excluded: [] };
}

/** True when the question has operators that can exclude what the plain words would find. */
export function isNarrowed(question: Question): boolean {
  return question.phrases.length > 0 || question.excluded.length > 0;
}

/** A text as phrases are compared: lower case, single blanks. */
function fold(text: string): string {
  return text.trim().toLowerCase().replace(/\s+/gu, ' ');
}

function forms(text: string): string[] {
  return [...wordsOf(text)].map(({ word }) => word);
}

function hasWord(text: string): boolean {
  return forms(text).length > 0;
}

function lastWord(text: string): string | undefined {
  return /[\p{L}\p{N}]$/u.test(text) ? forms(text).at(-1) : undefined;
}

function unique(words: string[]): string[] {
  return [...new Set(words)];
}
