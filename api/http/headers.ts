import type { Context } from 'koa';
import { z } from 'zod';
import { project } from '../contracts/fields.ts';
import { parseInput } from '../contracts/parse.ts';
import { Problem } from '../errors.ts';

const PROJECT = 'X-WhiteMagic-Project';
const DEFAULT_PROJECT = z.strictObject({ [PROJECT]: project });
const IDEMPOTENCY_KEY = /^[\x21-\x7e]{1,255}$/;

/**
 * Returns the default project of a request: `given`, or the `X-WhiteMagic-Project` header. `*` means none.
 * @throws Problem `unprocessable` for an invalid project name
 */
export function defaultProjectOf(ctx: Context, given?: string | null): string | undefined {
  const header = ctx.get(PROJECT);
  const wanted = given || (header && decodeHeader(header));
  if (wanted === '' || wanted === '*') return undefined;
  return parseInput(DEFAULT_PROJECT, { [PROJECT]: wanted })[PROJECT];
}

/**
 * Returns the `Idempotency-Key` of a request, which may have the quotes of the IETF draft.
 * @throws Problem `invalid_request`
 */
export function idempotencyKeyOf(ctx: Context): string | undefined {
  const header = ctx.get('Idempotency-Key');
  if (header === '') return undefined;
  const key = header.replace(/^"(.*)"$/, '$1');
  if (IDEMPOTENCY_KEY.test(key)) return key;
  throw headerProblem('Idempotency-Key', 'must be 1 to 255 visible ASCII characters');
}

/**
 * Returns the version that `If-Match` names by an `ETag` of this service, weak or strong. `*` matches every version.
 * @throws Problem `invalid_request`
 */
export function ifMatchOf(ctx: Context): number | undefined {
  const header = ctx.get('If-Match').trim();
  if (header === '' || header === '*') return undefined;
  const version = /^(?:W\/)?"(\d{1,10})"$/.exec(header)?.[1];
  if (version) return Number(version);
  throw headerProblem('If-Match', 'must be one ETag of a response of this service, such as "3"');
}

function headerProblem(header: string, message: string): Problem {
  return new Problem('invalid_request', { detail: `${header}: ${message}`, errors: [{ path: header, message }] });
}

/** Decodes a header value. Node reads its bytes as Latin-1; clients send UTF-8, or percent-encode other characters than ASCII. */
function decodeHeader(value: string): string {
  const utf8 = Buffer.from(value, 'latin1').toString('utf8');
  try {
    return decodeURIComponent(utf8);
  } catch {
    return utf8;
  }
}
