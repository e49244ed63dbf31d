import { tokenize } from './tokenizer.ts';

/** Characters at the beginning of a text in which a label is looked for. */
export const LABEL_SEARCHED = 64;
const WORDS_MAX = 4;
/** `Name:` at the beginning, behind the marks of a list, a heading or bold type. */
const LABEL = /^[\s*_#>\-[("“]*([\p{L}\p{N}@][^\n:]*?)[\s*_\])"”]*:[*_]*\s/u;

/**
 * Returns the label with which a text begins: the speaker of a turn (`Nadia: I moved`), or the subject of a note (`Redis: evicts the
 * oldest`). Undefined without one.
 */
export function labelOf(text: string): string | undefined {
  const label = LABEL.exec(text.slice(0, LABEL_SEARCHED))?.[1];
  return label !== undefined && label.split(/\s+/).length <= WORDS_MAX ? label : undefined;
}

/**
 * Returns the first label of a memory's texts whose terms all occur in the query; null for labels that do not, and undefined where no text
 * begins with one.
 */
export function namedLabel(texts: readonly string[], queryTerms: ReadonlySet<string>): string | null | undefined {
  const labels = texts.flatMap((text) => labelOf(text) ?? []);
  if (labels.length === 0) return undefined;
  return labels.find((label) => isNamed(label, queryTerms)) ?? null;
}

function isNamed(label: string, queryTerms: ReadonlySet<string>): boolean {
  const terms = Array.from(tokenize(label), ({ term }) => term);
  return terms.length > 0 && terms.every((term) => queryTerms.has(term));
}
