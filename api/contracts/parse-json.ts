/** A string or a number of a JSON text. In valid JSON, digits outside of strings are numbers. */
const STRING_OR_NUMBER = /"(?:[^"\\]+|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;
const INTEGER = /^-?\d+$/;
const LONG_NUMBER = /\d{16}/;
/** Marks an integer in the second pass. Texts with NUL are rejected anyway. */
const MARK = '\0integer:';

/**
 * Parses JSON like `JSON.parse`, but returns integers that a number cannot hold exactly (beyond ±(2^53 - 1)) as `bigint`, so that
 * validation can reject them by path instead of storing a rounded value.
 * @throws SyntaxError
 */
export function parseJson(text: string): unknown {
  const value = JSON.parse(text);
  if (!LONG_NUMBER.test(text)) return value;
  const marked = text.replace(STRING_OR_NUMBER, (token) =>
    INTEGER.test(token) && !Number.isSafeInteger(Number(token)) ? JSON.stringify(MARK + token) : token,
  );
  return JSON.parse(marked, (_key, item) =>
    typeof item === 'string' && item.startsWith(MARK) ? toBigInt(item.slice(MARK.length)) : item,
  );
}

function toBigInt(digits: string): bigint | string {
  return INTEGER.test(digits) ? BigInt(digits) : MARK + digits;
}
