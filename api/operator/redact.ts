const ERROR_LENGTH_MAX = 500;
const STRING_LENGTH_MAX = 500;
const ENTRIES_MAX = 100;
const DEPTH_MAX = 8;

/** Names of fields that let their holder act as someone, or that say where or how someone pays. */
const SECRET_NAME =
  /secret|token|password|licen[cs]e|authorization|signature|api_?key|(^|_)key$|card|bank|iban|billing|address|phone|(^|_)ip($|_)|url|link/i;
/** Name of a table, column or setting. */
const PLAIN_NAME = /^[\w.-]{1,63}$/;
const REMOVED = '[removed]';

/**
 * Removes from the text of an error what may be of a person: addresses, keys, the query of URLs, and quoted text that is no plain name.
 * At most 500 characters are left.
 */
export function redactError(text: string | null): string | null {
  if (text === null) return null;
  return text
    .slice(0, 4 * ERROR_LENGTH_MAX)
    .replace(/[^\s@<>"'(),;]+@[^\s@<>"'(),;]+/g, '[e-mail]')
    .replace(/\bwm_[A-Za-z0-9_]+/g, '[key]')
    .replace(/(https?:\/\/[^\s?#"']+)[?#][^\s"']*/g, '$1')
    .replace(/"([^"]*)(?:"|$)/g, (quoted, inner: string) => (PLAIN_NAME.test(inner) ? quoted : '"…"'))
    .slice(0, ERROR_LENGTH_MAX);
}

/** Returns a JSON value without secrets, and bounded: long texts, long lists and deep levels are cut. */
export function redactPayload(value: unknown, depth = 0): unknown {
  if (typeof value === 'string')
    return value.length > STRING_LENGTH_MAX ? `${value.slice(0, STRING_LENGTH_MAX)}…` : value;
  if (typeof value !== 'object' || value === null) return value;
  if (depth === DEPTH_MAX) return '…';
  if (Array.isArray(value)) return value.slice(0, ENTRIES_MAX).map((item) => redactPayload(item, depth + 1));
  return Object.fromEntries(
    Object.entries(value)
      .slice(0, ENTRIES_MAX)
      .map(([name, field]) => [name, isSecret(name, field) ? REMOVED : redactPayload(field, depth + 1)]),
  );
}

function isSecret(name: string, value: unknown): boolean {
  return value !== null && SECRET_NAME.test(name);
}
