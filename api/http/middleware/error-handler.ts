import type { Context, Middleware } from 'koa';
import { Problem } from '../../errors.ts';
import type { Logger } from '../../observability/log.ts';
import type { Metrics } from '../../observability/metrics.ts';
import { problemPage } from '../../pages/problem.ts';
import { toProblem } from '../../pipeline/to-problem.ts';
import { stateOf } from '../request-state.ts';
import { sendPage, sendProblem, sendRpcProblem } from '../respond.ts';

interface ErrorHandlerOptions {
  log: Logger;
  publicUrl: () => string;
  metrics: Pick<Metrics, 'rateLimitHit'>;
}

/**
 * Turns every error, and a request that no route took, into a problem document or an error page. Koa's own handler is not
 * used, because it deletes the headers that were set.
 */
export function errorHandler({ log, publicUrl, metrics }: ErrorHandlerOptions): Middleware {
  return async function handleErrors(ctx, next) {
    try {
      await next();
      if (ctx.status === 404 && ctx.body === undefined)
        throw new Problem('not_found', { detail: absentDetail(ctx.path) });
    } catch (error) {
      const problem = toProblem(error);
      // The pipeline counts the limits of a known caller, since over MCP they are not HTTP errors.
      if (problem.code === 'rate_limited' && !stateOf(ctx).caller) metrics.rateLimitHit('ip');
      if (problem.status >= 500 && !(error instanceof Problem))
        log.error({ err: error, request_id: stateOf(ctx).requestId }, 'request failed');
      if (ctx.path === '/mcp') sendRpcProblem(ctx, problem, publicUrl());
      else if (wantsPage(ctx)) sendProblemPage(ctx, problem);
      else sendProblem(ctx, problem, publicUrl());
    }
  };
}

/** Paths at which clients that were rejected look for OAuth. */
const OAUTH_PATHS = /^(\/mcp)?\/(register|authorize|token|\.well-known\/(oauth|openid)-.*)$/;

function absentDetail(path: string): string {
  return OAUTH_PATHS.test(path)
    ? 'This address has no OAuth: it takes an API key. Add the header `Authorization: Bearer wm_…` to the MCP server in your client. How to connect: /mcp in a browser.'
    : 'There is nothing at this path. The documentation is at /docs.';
}

/** Paths for programs. Errors there are JSON, whatever `Accept` says. */
const PROGRAM_PATHS = /^\/(api|mcp|webhooks|openapi\.json|\.well-known)(\/|$)/;

/** Returns whether a browser made the request: it names HTML in `Accept`, while programs accept anything. */
function wantsPage(ctx: Context): boolean {
  return !PROGRAM_PATHS.test(ctx.path) && ctx.accepts('json', 'html') === 'html';
}

function sendProblemPage(ctx: Context, problem: Problem): void {
  ctx.set(problem.data.headers ?? {});
  sendPage(ctx, problemPage(problem, stateOf(ctx).requestId), problem.status);
}
