import type { Context, Middleware, Next } from 'koa';
import { Problem, problemDocument } from '../../errors.ts';
import type { Logger } from '../../observability/log.ts';
import type { Metrics } from '../../observability/metrics.ts';
import { problemPage } from '../../pages/notice.ts';
import { toProblem } from '../../pipeline/to-problem.ts';
import { answerPage, type RequestState, stateOf } from '../koa.ts';
import { loggablePath } from '../loggable-path.ts';

const SANE_REQUEST_ID = /^[A-Za-z0-9._-]{8,100}$/;

export interface AnswerOptions {
  log: Logger;
  newId: () => string;
  publicUrl: () => string;
  metrics: Pick<Metrics, 'rateLimitHit'>;
}

/**
 * The outermost middleware: gives every request an id, turns whatever was thrown into the one error shape, and logs a line.
 * Outermost, because Koa's own error handler deletes the headers that were set.
 */
export function answers(options: AnswerOptions): Middleware {
  return async function answerEveryRequest(ctx, next) {
    const started = performance.now();
    const given = ctx.get('X-Request-Id');
    const state: RequestState = { requestId: SANE_REQUEST_ID.test(given) ? given : options.newId() };
    Object.assign(ctx.state, state);
    ctx.set('X-Request-Id', state.requestId);
    try {
      await next();
      if (ctx.status === 404 && ctx.body === undefined)
        throw new Problem('not_found', { detail: 'There is nothing at this address. The reference is at /docs.' });
    } catch (error) {
      const problem = toProblem(error);
      // Limits of a known caller are counted where they are applied: over MCP they are no error of HTTP.
      if (problem.code === 'rate_limited' && !stateOf(ctx).caller) options.metrics.rateLimitHit('ip');
      if (problem.status >= 500 && !(error instanceof Problem))
        options.log.error({ err: error, request_id: state.requestId }, 'request failed');
      if (wantsPage(ctx)) answerProblemPage(ctx, problem);
      else answerProblem(ctx, problem, options.publicUrl());
    }
    logRequest(ctx, options.log, performance.now() - started);
  };
}

/** Paths that programs call: errors there are JSON, whatever `Accept` says. */
const PROGRAMS = /^\/(api|mcp|webhooks|openapi\.json|\.well-known)(\/|$)/;

/** Whether a person's browser asks: it names HTML, while a program takes anything. */
function wantsPage(ctx: Context): boolean {
  return !PROGRAMS.test(ctx.path) && ctx.accepts('json', 'html') === 'html';
}

function answerProblemPage(ctx: Context, problem: Problem): void {
  ctx.set(problem.data.headers ?? {});
  answerPage(ctx, problemPage(problem, stateOf(ctx).requestId), problem.status);
}

/** Writes a refusal as problem+json. */
export function answerProblem(ctx: Context, problem: Problem, publicUrl: string): void {
  ctx.set(problem.data.headers ?? {});
  ctx.status = problem.status;
  ctx.type = 'application/problem+json';
  ctx.body = JSON.stringify(problemDocument(problem, stateOf(ctx).requestId, publicUrl));
}

/** Headers that every answer carries: nothing here may be framed, sniffed or kept by a cache. */
export async function secureHeaders(ctx: Context, next: Next): Promise<void> {
  ctx.set({
    'X-Content-Type-Options': 'nosniff',
    'Referrer-Policy': 'no-referrer',
    'X-Frame-Options': 'DENY',
    'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'",
    'Cache-Control': 'no-store',
  });
  await next();
}

function logRequest(ctx: Context, log: Logger, ms: number): void {
  const { requestId, caller, operation } = stateOf(ctx);
  const level = ctx.status >= 500 ? 'error' : 'info';
  log[level](
    {
      request_id: requestId,
      method: ctx.method,
      // Without the query: filters are a tenant's words.
      path: loggablePath(ctx.path),
      status: ctx.status,
      duration_ms: Math.round(ms * 10) / 10,
      ...(operation && { operation }),
      ...(caller && { user_id: caller.userId, key_id: caller.keyId, transport: caller.transport }),
    },
    'request',
  );
}
