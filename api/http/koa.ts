import { Readable } from 'node:stream';
import type { Context } from 'koa';
import getRawBody from 'raw-body';
import { z } from 'zod';
import type { Transport } from '../../db/queries/usage/events.ts';
import type { Caller } from '../context.ts';
import { project } from '../contracts/fields.ts';
import { parseInput } from '../contracts/parse.ts';
import { Problem } from '../errors.ts';
import { authenticate } from '../pipeline/authenticate.ts';
import type { Call, Outcome } from '../pipeline/call.ts';
import type { PipelineDependencies } from '../pipeline/dependencies.ts';
import { parseJson } from './parse-json.ts';

/** What the outer middleware knows of every request. */
export interface RequestState {
  requestId: string;
  caller?: Caller;
  operation?: string;
  /** Of the body, once it is read. */
  bytesIn?: number;
}

const PROJECT = 'X-WhiteMagic-Project';
const DEFAULT_PROJECT = z.strictObject({ [PROJECT]: project });
const BYTES_IN_MAX = 2_147_483_647;
const IDEMPOTENCY_KEY = /^[\x21-\x7e]{1,255}$/;

/**
 * The caller of a request, by its key.
 * @throws Problem `unauthenticated`, `key_expired`, `rate_limited`
 */
export async function authenticateRequest(
  ctx: Context,
  pipeline: PipelineDependencies,
  transport: Transport,
): Promise<Caller> {
  const credentials = { authorization: ctx.get('Authorization'), apiKey: ctx.get('X-API-Key'), address: ctx.ip };
  const requestId = stateOf(ctx).requestId;
  const caller = await authenticate(pipeline, credentials, transport, (error) => pipeline.onFault(error, requestId));
  stateOf(ctx).caller = caller;
  return caller;
}

/**
 * The default project of a request: `given`, or the `X-WhiteMagic-Project` header; `*` is none.
 * @throws Problem `unprocessable` for what is no project's name
 */
export function defaultProjectOf(ctx: Context, given?: string | null): string | undefined {
  const header = ctx.get(PROJECT);
  const wanted = given || (header && decodeHeader(header));
  if (wanted === '' || wanted === '*') return undefined;
  return parseInput(DEFAULT_PROJECT, { [PROJECT]: wanted })[PROJECT];
}

/** The call that a request makes, as the pipeline takes it. */
export function callOf(ctx: Context, pipeline: PipelineDependencies, caller: Caller, method: string): Call {
  const { requestId, bytesIn = claimedBytes(ctx) } = stateOf(ctx);
  return { eventId: pipeline.newId(), requestId, caller, method, bytesIn };
}

/** What a request says of the length of a body that was not read: a claim beyond what a column holds must not cost the event. */
function claimedBytes(ctx: Context): number {
  const length = Number(ctx.get('Content-Length'));
  return Number.isSafeInteger(length) ? Math.min(length, BYTES_IN_MAX) : 0;
}

/**
 * The `Idempotency-Key` of a request, with or without the quotes of the IETF draft.
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
 * The version that `If-Match` names: an `ETag` of ours, weak or strong. `*` asks for any.
 * @throws Problem `invalid_request`
 */
export function ifMatchOf(ctx: Context): number | undefined {
  const header = ctx.get('If-Match').trim();
  if (header === '' || header === '*') return undefined;
  const version = /^(?:W\/)?"(\d{1,10})"$/.exec(header)?.[1];
  if (version) return Number(version);
  throw headerProblem('If-Match', 'must be one ETag that this service answered, such as "3"');
}

/**
 * The JSON of a request's body; undefined when it has none. Bytes that are not UTF-8 are refused, not replaced.
 * @throws Problem `unsupported_media_type`, `body_too_large`, `malformed_request`
 */
export async function readJson(ctx: Context, bytesMax: number): Promise<unknown> {
  if (!ctx.request.length && !ctx.get('Transfer-Encoding')) return undefined;
  if (!ctx.is('json', '+json') || !['', 'identity'].includes(ctx.get('Content-Encoding'))) {
    throw new Problem('unsupported_media_type');
  }
  const bytes = await readBytes(ctx, bytesMax);
  try {
    return parseJson(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (error) {
    const reason = error instanceof TypeError ? 'The body is not UTF-8.' : 'The body is not JSON.';
    throw new Problem('malformed_request', { detail: reason }, error);
  }
}

/**
 * The fields of a form that a browser sent.
 * @throws Problem `unsupported_media_type`, `body_too_large`, `malformed_request`
 */
export async function readForm(ctx: Context, bytesMax: number): Promise<URLSearchParams> {
  if (ctx.is('urlencoded') === false || !['', 'identity'].includes(ctx.get('Content-Encoding'))) {
    throw new Problem('unsupported_media_type', { detail: 'Send the form as the page has it.' });
  }
  return new URLSearchParams((await readBytes(ctx, bytesMax)).toString('utf8'));
}

/**
 * What a page may load, and where its forms may lead: to this service only, and no script but from a file. Chromium holds the
 * redirect that follows a form to it too.
 */
const PAGE_POLICY =
  "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/** Answers with a page for people. */
export function answerPage(ctx: Context, page: string, status = 200): void {
  ctx.set('Content-Security-Policy', PAGE_POLICY);
  // With `no-referrer`, forms come from the origin "null", which is nobody's.
  ctx.set('Referrer-Policy', 'same-origin');
  ctx.status = status;
  ctx.type = 'text/html';
  ctx.body = page;
}

/** Writes an outcome's success as the answer; throws its refusal for the error middleware. Headers are set either way. */
export function answer(ctx: Context, outcome: Outcome): void {
  ctx.set(outcome.headers);
  if (outcome.eventId) ctx.set('X-Usage-Event', outcome.eventId);
  if (outcome.problem) throw outcome.problem;
  ctx.status = outcome.status;
  ctx.type = outcome.type ?? 'application/json';
  if (!outcome.stream) {
    ctx.body = outcome.text;
    return;
  }
  ctx.body = Readable.from(outcome.stream.pieces, { objectMode: false });
  ctx.length = outcome.stream.bytes;
}

export function stateOf(ctx: Context): RequestState {
  return ctx.state as RequestState;
}

/**
 * The bytes of a request's body.
 * @throws Problem `body_too_large`, `malformed_request`
 */
export async function readBytes(ctx: Context, bytesMax: number): Promise<Buffer> {
  try {
    const bytes = await getRawBody(ctx.req, { limit: bytesMax, length: ctx.request.length });
    stateOf(ctx).bytesIn = bytes.length;
    return bytes;
  } catch (error) {
    if (error instanceof Error && 'type' in error && error.type === 'entity.too.large') {
      // The rest of the body is not read, so the connection cannot be used again.
      const headers = { Connection: 'close' };
      throw new Problem('body_too_large', { detail: `The body may have ${bytesMax} bytes.`, headers });
    }
    throw new Problem('malformed_request', { detail: 'The body did not arrive whole.' }, error);
  }
}

function headerProblem(header: string, message: string): Problem {
  return new Problem('invalid_request', { detail: `${header}: ${message}`, errors: [{ path: header, message }] });
}

/** Node reads header bytes as Latin-1; clients send UTF-8, or percent-encode what is not ASCII. */
function decodeHeader(value: string): string {
  const utf8 = Buffer.from(value, 'latin1').toString('utf8');
  try {
    return decodeURIComponent(utf8);
  } catch {
    return utf8;
  }
}
