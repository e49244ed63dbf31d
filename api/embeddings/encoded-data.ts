/** Encoded data in a text: base64 and its like. */
interface EncodedRange {
  start: number;
  end: number;
  /** True for a further line of the same data. */
  isContinued: boolean;
}

/** Characters of base64 and base64url, longer than identifiers are; lines of encoded data have 64 or 76. */
const CANDIDATE = /[A-Za-z0-9+/_=-]{60,}/g;
/** Characters that decide. */
const READ_MAX = 256;
/** Share of adjacent characters of different classes: about 0.6 in random data, below 0.35 in words, paths and camelCase. */
const CHANGES_MIN = 0.4;
/** Ends and starts of lines, with a mark of quotation. */
const LINE_BREAK = /^[\s>"'\\rn]{0,8}$/;

/**
 * Finds the encoded data of a text, in order: it holds no words, yet would yield a hundred thousand terms in a megabyte. Hashes and ids
 * in hexadecimal are words.
 */
export function* encodedRanges(text: string): Generator<EncodedRange> {
  let last = Number.NEGATIVE_INFINITY;
  for (const { 0: candidate, index: start } of text.matchAll(CANDIDATE)) {
    if (!isEncoded(candidate.slice(0, READ_MAX))) continue;
    const end = start + candidate.length;
    yield { start, end, isContinued: start - last <= 8 && LINE_BREAK.test(text.slice(last, start)) };
    last = end;
  }
}

/** Returns a text with spaces in place of its encoded data, so that offsets stay. */
export function withoutEncodedData(text: string): string {
  const parts: string[] = [];
  let at = 0;
  for (const { start, end } of encodedRanges(text)) {
    parts.push(text.slice(at, start), ' '.repeat(end - start));
    at = end;
  }
  return at === 0 ? text : parts.join('') + text.slice(at);
}

function isEncoded(text: string): boolean {
  if (!/[a-z]/.test(text) || !/[A-Z]/.test(text) || !/[0-9]/.test(text)) return false;
  let changes = 0;
  for (let at = 1; at < text.length; at++) if (classOf(text, at) !== classOf(text, at - 1)) changes++;
  return changes >= CHANGES_MIN * text.length;
}

/** Returns a number for the class of a character: lower case, upper case, digit, or sign. */
function classOf(text: string, at: number): number {
  const code = text.charCodeAt(at);
  if (code >= 97 && code <= 122) return 0;
  if (code >= 65 && code <= 90) return 1;
  return code >= 48 && code <= 57 ? 2 : 3;
}
