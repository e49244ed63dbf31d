import type { Context } from 'koa';
import getRawBody from 'raw-body';
import { parseJson } from '../contracts/parse-json.ts';
import { Problem } from '../errors.ts';
import { stateOf } from './request-state.ts';

/** Time in which a body must arrive, and the rate that a body of the largest size needs, if that takes longer. */
export const BODY_MS = 30_000;
const BYTES_PER_SECOND_MIN = 35_000;

/**
 * Reads the JSON body of a request. Bytes that are not valid UTF-8 are rejected, not replaced.
 * @returns undefined for a request without a body
 * @throws Problem `unsupported_media_type`, `body_too_large`, `malformed_request`, `request_timeout`
 */
export async function readJson(ctx: Context, bytesMax: number): Promise<unknown> {
  if (!ctx.request.length && !ctx.get('Transfer-Encoding')) return undefined;
  if (!ctx.is('json', '+json') || isCompressed(ctx)) throw new Problem('unsupported_media_type');
  const bytes = await readBytes(ctx, bytesMax);
  try {
    return parseJson(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (error) {
    const detail = error instanceof TypeError ? 'The body is not valid UTF-8.' : 'The body is not valid JSON.';
    throw new Problem('malformed_request', { detail }, error);
  }
}

/**
 * Rejects a body of a request whose input is its path and query string, because it would be ignored.
 * @throws Problem `invalid_request`
 */
export function rejectBody(ctx: Context): void {
  if (!ctx.request.length && !ctx.get('Transfer-Encoding')) return;
  const message = `must be empty: ${ctx.method} takes its input from the path and the query string`;
  throw new Problem('invalid_request', { detail: `body: ${message}`, errors: [{ path: '', message }] });
}

/**
 * Reads the fields of an HTML form.
 * @throws Problem `unsupported_media_type`, `body_too_large`, `malformed_request`, `request_timeout`
 */
export async function readForm(ctx: Context, bytesMax: number): Promise<URLSearchParams> {
  if (ctx.is('urlencoded') === false || isCompressed(ctx)) {
    throw new Problem('unsupported_media_type', { detail: 'Send `Content-Type: application/x-www-form-urlencoded`.' });
  }
  return new URLSearchParams((await readBytes(ctx, bytesMax)).toString('utf8'));
}

/**
 * Reads the raw bytes of a request's body.
 * @throws Problem `body_too_large`, `malformed_request`, `request_timeout`
 */
export async function readBytes(ctx: Context, bytesMax: number): Promise<Buffer> {
  const { bodyMs = Math.max(BODY_MS, (bytesMax / BYTES_PER_SECOND_MIN) * 1000) } = stateOf(ctx);
  let timer: NodeJS.Timeout | undefined;
  const overdue = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Problem('request_timeout', { headers: CLOSE })), bodyMs);
  });
  try {
    const received = getRawBody(ctx.req, { limit: bytesMax, length: ctx.request.length });
    const bytes = await Promise.race([received, overdue]);
    stateOf(ctx).bytesIn = bytes.length;
    return bytes;
  } catch (error) {
    if (error instanceof Problem) throw error;
    if (error instanceof Error && 'type' in error && error.type === 'entity.too.large') {
      const detail = `The body may have at most ${bytesMax} bytes.`;
      throw new Problem('body_too_large', { detail, headers: CLOSE });
    }
    throw new Problem('malformed_request', { detail: 'The body was not received completely.' }, error);
  } finally {
    clearTimeout(timer);
  }
}

/** The rest of the body is not read, so the connection cannot be used again. */
const CLOSE = { Connection: 'close' };

function isCompressed(ctx: Context): boolean {
  return !['', 'identity'].includes(ctx.get('Content-Encoding'));
}
