import { Problem } from '../errors.ts';
import { hasKeyForm, isWellFormedKey } from '../keys/key-format.ts';

export interface Credentials {
  authorization?: string | undefined;
  apiKey?: string | undefined;
  /** Whether access tokens of OAuth are accepted, beside keys. */
  acceptsTokens?: boolean | undefined;
  /** IP address of the client. */
  address: string;
}

const EXAMPLE = '`Authorization: Bearer wm_…`';
const BEARER = /^Bearer(?:\s+|$)/i;
const QUOTES = /^["'`“‘]|["'`”’]$/;
/** `${KEY}`, `$KEY`, `{env:KEY}`, `%KEY%`, `<key>`: forms in which clients and documentation write a variable. */
const ACCESS_TOKEN = /^[\w-]{43}$/;
const VARIABLE = /^[$%{<]|[}%>]$/;

/**
 * Reads the API key or access token of a request, from `Authorization: Bearer` or else from `X-API-Key`.
 * @throws Problem `unauthenticated`, whose detail names the mistake; its challenge has an error code only where credentials
 * were sent (RFC 6750, section 3.1)
 */
export function readKey({ authorization = '', apiKey = '', acceptsTokens = false }: Credentials): string {
  const given = authorization.trim();
  if (!given) {
    if (!apiKey.trim()) throw unauthenticated(`No API key was sent. Send the header ${EXAMPLE}.`, NO_CREDENTIALS);
    return checkKey(apiKey.trim(), '`X-API-Key`');
  }
  if (!BEARER.test(given)) {
    throw unauthenticated(
      hasKeyForm(given) || QUOTES.test(given)
        ? `The word "Bearer" is missing before the key. Send the header ${EXAMPLE}.`
        : `The \`Authorization\` header does not start with "Bearer". Send the header ${EXAMPLE}.`,
    );
  }
  const key = given.replace(BEARER, '');
  if (BEARER.test(key)) {
    throw unauthenticated(`The word "Bearer" is in the \`Authorization\` header twice. Send it once: ${EXAMPLE}.`);
  }
  if (!key && apiKey.trim()) return checkKey(apiKey.trim(), '`X-API-Key`');
  if (!key) throw unauthenticated(`There is no key after "Bearer". Send the header ${EXAMPLE}.`);
  if (acceptsTokens && ACCESS_TOKEN.test(key)) return key;
  return checkKey(key, '`Authorization`');
}

/** Rejects what cannot be a key of any account, without a query. */
function checkKey(key: string, header: string): string {
  if (isWellFormedKey(key)) return key;
  if (VARIABLE.test(key)) {
    throw unauthenticated(
      `The key in ${header} is the name of a variable that your client did not replace. Set the variable where the client starts, or write the key itself.`,
    );
  }
  if (QUOTES.test(key)) throw unauthenticated(`The key in ${header} is in quotes. Remove them.`);
  if (hasKeyForm(key)) {
    throw unauthenticated(`The key in ${header} is mistyped or incomplete: its checksum is wrong. Copy it again.`);
  }
  throw unauthenticated(
    `The text in ${header} is not a WhiteMagic API key, which starts with "wm_". Copy the key again.`,
  );
}

/** The challenge of a request without a key. */
export const NO_CREDENTIALS = 'Bearer realm="whitemagic"';
/** The challenge of a key that was sent and is not valid. */
export const INVALID_KEY = `${NO_CREDENTIALS}, error="invalid_token"`;

export function unauthenticated(detail: string, challenge = INVALID_KEY): Problem {
  return new Problem('unauthenticated', { detail, headers: { 'WWW-Authenticate': challenge } });
}
