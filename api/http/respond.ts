import { Readable } from 'node:stream';
import type { Context } from 'koa';
import { type Problem, problemDocument } from '../errors.ts';
import { signedInPage } from '../pages/layout.ts';
import type { Outcome } from '../pipeline/call.ts';
import { hasSessionCookie } from './cookies.ts';
import { stateOf } from './request-state.ts';

/**
 * Content security policy of pages: they load from this service only, run no inline script, and submit forms to this service
 * only. Chromium applies `form-action` also to the redirect that follows a form.
 */
const PAGE_POLICY =
  "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/** The code of errors that the server defines (JSON-RPC 2.0, section 5.1). */
const RPC_SERVER_ERROR = -32_000;

/** Headers of an HTML page. With `no-referrer`, a browser submits forms with the origin "null", which is not allowed. */
export const PAGE_HEADERS = { 'Content-Security-Policy': PAGE_POLICY, 'Referrer-Policy': 'same-origin' };

/** Responds with an HTML page. */
export function sendPage(ctx: Context, page: string, status = 200): void {
  ctx.set(PAGE_HEADERS);
  ctx.status = status;
  ctx.type = 'text/html';
  ctx.body = hasSessionCookie(ctx) ? signedInPage(page) : page;
}

/**
 * Responds with the result of an outcome. Its headers are set also when it is an error.
 * @throws the outcome's problem, which the error handler turns into a response
 */
export function sendOutcome(ctx: Context, outcome: Outcome): void {
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

/**
 * Responds with an error as a JSON-RPC error that holds the problem document: many MCP clients show no other body of an HTTP
 * error. The id is null where the request was rejected before its message was read.
 */
export function sendRpcProblem(ctx: Context, problem: Problem, publicUrl: string): void {
  const data = problemDocument(problem, stateOf(ctx).requestId, publicUrl);
  ctx.set(problem.data.headers ?? {});
  ctx.status = problem.status;
  ctx.type = 'application/json';
  const error = { code: RPC_SERVER_ERROR, message: `${data.title}. ${data.detail}`, data };
  ctx.body = JSON.stringify({ jsonrpc: '2.0', id: stateOf(ctx).rpcId ?? null, error });
}

/** Responds with an error as `application/problem+json`. */
export function sendProblem(ctx: Context, problem: Problem, publicUrl: string): void {
  ctx.set(problem.data.headers ?? {});
  ctx.status = problem.status;
  ctx.type = 'application/problem+json';
  ctx.body = JSON.stringify(problemDocument(problem, stateOf(ctx).requestId, publicUrl));
}
