import { describe, expect, it } from 'vitest';
import { Problem } from '../../../api/errors.ts';
import { generateKey } from '../../../api/keys/key-format.ts';
import { readKey } from '../../../api/pipeline/credentials.ts';

const KEY = generateKey('test');
const read = (authorization?: string, apiKey?: string) => readKey({ authorization, apiKey, address: '127.0.0.1' });

function rejectionOf(authorization?: string, apiKey?: string): Problem {
  try {
    read(authorization, apiKey);
  } catch (error) {
    if (error instanceof Problem) return error;
  }
  throw new Error('no problem was thrown');
}

describe('credentials', () => {
  it.each([
    [`Bearer ${KEY}`, undefined],
    [`bearer   ${KEY}  `, undefined],
    [undefined, ` ${KEY} `],
    ['Bearer ', KEY],
  ])('take the key of Authorization %j and X-API-Key %j', (authorization, apiKey) => {
    expect(read(authorization, apiKey)).toBe(KEY);
  });

  it.each([
    [undefined, 'No API key was sent'],
    ['', 'No API key was sent'],
    ['Bearer', 'There is no key after "Bearer"'],
    [KEY, 'The word "Bearer" is missing'],
    ['Basic dXNlcjpwYXNz', 'does not start with "Bearer"'],
    [`Bearer Bearer ${KEY}`, 'twice'],
    [`Bearer "${KEY}"`, 'in quotes'],
    [`Bearer '${KEY}'`, 'in quotes'],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: a variable that a client did not replace.
    ['Bearer ${WHITEMAGIC_API_KEY}', 'name of a variable'],
    ['Bearer $KEY', 'name of a variable'],
    ['Bearer {env:WHITEMAGIC_API_KEY}', 'name of a variable'],
    ['Bearer <your key>', 'name of a variable'],
    [`Bearer ${KEY.slice(0, -1)}`, 'mistyped or incomplete'],
    ['Bearer wm_live_', 'mistyped or incomplete'],
    ['Bearer sk-something', 'is not a WhiteMagic API key'],
  ])('name the mistake in %j', (authorization, cause) => {
    const { code, data } = rejectionOf(authorization);
    expect([code, data.detail]).toEqual(['unauthenticated', expect.stringContaining(cause)]);
    expect(data.detail).not.toContain(KEY);
    const challenge = data.headers?.['WWW-Authenticate'];
    expect(challenge).toBe(`Bearer realm="whitemagic"${authorization ? ', error="invalid_token"' : ''}`);
  });
});
