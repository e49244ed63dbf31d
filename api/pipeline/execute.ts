import type { Sql } from '../../db/client/sql.ts';
import type { UsageEvent } from '../../db/queries/usage/events.ts';
import type { RequestContext } from '../context.ts';
import { isStreamed, type Operation } from '../contracts/operation.ts';
import { countTokens } from '../tokens/count.ts';
import { type Measure, tokensAsJson } from '../tokens/truncate.ts';
import type { Call, Outcome } from './call.ts';
import { assertDeclaredStatus } from './contract-check.ts';
import type { PipelineDependencies } from './dependencies.ts';
import { handlerOf } from './handlers.ts';
import type { Meter } from './metering.ts';
import { costOfResult } from './rate-limit.ts';
import { getsReceipt, toReceipt } from './receipt.ts';

/** The result of an operation, and what the caller gets of it. */
export interface Executed {
  result: unknown;
  outcome: Outcome;
}

/** Runs the operation's domain function, charges what its result costs, and builds the outcome. */
export async function execute(
  pipeline: PipelineDependencies,
  sql: Sql,
  operation: Operation,
  call: Call,
  input: unknown,
  meter: Meter,
): Promise<Executed> {
  const measure = measureOf(operation, call);
  const returned = await handlerOf(operation.id)(contextOf(pipeline, sql), call.caller, input, {
    ...pipeline,
    measure,
  });
  const executed = toExecuted(pipeline, operation, call, returned);
  const cost = costOfResult(operation, executed.result);
  // A write over the limit is rolled back.
  if (cost) await meter.charge(cost);
  return executed;
}

/** Validates what a domain function returned against the operation's output, and builds the outcome. */
export function toExecuted(
  pipeline: PipelineDependencies,
  operation: Operation,
  call: Call,
  returned: unknown,
): Executed {
  const result = operation.output.parse(returned);
  const outcome = toOutcome(operation, call, result);
  if (pipeline.enforceContracts) assertDeclaredStatus(operation, outcome.status);
  return { result, outcome };
}

/** Builds the outcome of a result: the forms in which the call's transport sends it. */
export function toOutcome(operation: Operation, { caller, render }: Call, result: unknown): Outcome {
  const { http } = operation;
  const status = http.status?.(result) ?? http.statuses[0];
  const headers = { ...http.headers?.(result) };
  const isReceipt = getsReceipt(operation, caller);
  const body = isReceipt ? toReceipt(operation, result) : result;
  if (isStreamed(body)) {
    const disposition = { 'Content-Disposition': `attachment; filename="${body.name}"` };
    return { status, headers: { ...headers, ...disposition }, body, stream: body, type: http.mediaType as string };
  }
  if (http.mediaType) return { status, headers, body, text: body as string, type: http.mediaType };
  return { status, headers, body, text: JSON.stringify(body), ...(render && { rendering: render(body, isReceipt) }) };
}

/** Returns what domain functions use of the pipeline. */
export function contextOf(pipeline: PipelineDependencies, sql: Sql): RequestContext {
  const { now, newId } = pipeline;
  return { sql, now, newId };
}

/** Returns what counts the tokens of a result as the call's transport sends it. */
export function measureOf({ cost }: Operation, { render }: Call): Measure {
  if (!render) return (result, atMost) => cost?.tokens?.(result) ?? tokensAsJson(result, atMost);
  return (result, atMost) => Math.max(...render(result).shown.map((text) => tokensWithin(text, atMost)));
}

/** Counts the tokens of a text. One with no more bytes than it may have tokens is not counted: a token has at least one byte. */
function tokensWithin(text: string, atMost?: number): number {
  const bytes = Buffer.byteLength(text);
  return atMost !== undefined && bytes <= atMost ? bytes : countTokens(text, atMost);
}

/** Creates the usage event of a success, with the tokens of what a model reads of it. */
export function eventOf({ cost }: Operation, outcome: Outcome, meter: Meter): UsageEvent {
  const { status, body, stream, text = '', rendering } = outcome;
  const tokens = rendering ? countTokens(rendering.text) : cost?.tokens?.(body);
  return meter.event(status, stream?.bytes ?? Buffer.byteLength(text), tokens);
}
