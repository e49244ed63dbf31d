import type { Sql } from '../../db/client/sql.ts';
import { insertUsageEventsStatement, type UsageEvent } from '../../db/queries/usage/events.ts';
import { lockTenantStatement } from '../../db/queries/usage/quotas.ts';
import type { Caller, RequestContext } from '../context.ts';
import { isMemoryOperation, isStreamed, type Operation } from '../contracts/operation.ts';
import { parseInput } from '../contracts/parse.ts';
import type { Problem } from '../errors.ts';
import { countTokens } from '../tokens/count.ts';
import { type Measure, tokensAsJson } from '../tokens/truncate.ts';
import { authorize } from './authorize.ts';
import type { Call, Outcome } from './call.ts';
import { assertDeclaredStatus } from './contract-check.ts';
import type { PipelineDependencies } from './dependencies.ts';
import { handlerOf } from './handlers.ts';
import { findReplay, type Replay, storeForReplay } from './idempotency.ts';
import { type Meter, meterCall } from './metering.ts';
import { costOfResult } from './rate-limit.ts';
import { getsReceipt, toReceipt } from './receipt.ts';

/**
 * Runs an operation for an authenticated caller: authorize → limit → do → meter → respond. It is the only way to an
 * operation, over every transport. Never throws: an error becomes an outcome with a `problem`.
 *
 * The usage event of a write is committed in the write's own transaction; that of a read or of an error is durable before
 * this resolves. A call that cannot be metered returns `unavailable`.
 */
export async function run(
  pipeline: PipelineDependencies,
  operation: Operation,
  call: Call,
  rawInput: unknown,
): Promise<Outcome> {
  return meterCall(pipeline, { name: operation.id, call, operation, rawInput }, async (meter) => {
    authorize(operation, call.caller);
    await meter.limit();
    const given = call.resolve ? await call.resolve(pipeline.database.shared(call.caller), call.caller) : rawInput;
    const input = parseInput(operation.input, given);
    const act = operation.execution.kind === 'write' ? write : read;
    return pipeline.requestQueue.run(call.caller.userId, meter, () => act(pipeline, operation, call, input, meter));
  });
}

/** Limits and meters a call that reaches no operation, such as one of an unknown tool, and returns its error. */
export function rejectCall(
  pipeline: PipelineDependencies,
  name: string,
  call: Call,
  problem: Problem,
): Promise<Outcome> {
  return meterCall(pipeline, { name, call }, async (meter) => {
    await meter.limit();
    throw problem;
  });
}

/**
 * Runs a reading operation for a protocol message, such as a completion: authorized and queued like a call, but neither limited nor
 * metered, since its transport has charged the message to the key's protocol allowance.
 * @returns the operation's result
 * @throws Problem of the operation, `scope_required`, `concurrency_exceeded`, `overloaded`
 */
export async function lookUp(
  pipeline: PipelineDependencies,
  operation: Operation,
  call: Call,
  rawInput: unknown,
): Promise<unknown> {
  authorize(operation, call.caller);
  const given = call.resolve ? await call.resolve(pipeline.database.shared(call.caller), call.caller) : rawInput;
  const input = parseInput(operation.input, given);
  const { userId } = call.caller;
  const sql = pipeline.database.read(call.caller);
  const unlimited = { refund: async () => undefined };
  return pipeline.requestQueue.run(userId, unlimited, async () => {
    const dependencies = { ...pipeline, measure: measureOf(operation, call) };
    const found = await handlerOf(operation.id)(contextOf(pipeline, sql), call.caller, input, dependencies);
    return operation.output.parse(found);
  });
}

async function read(
  pipeline: PipelineDependencies,
  operation: Operation,
  call: Call,
  input: unknown,
  meter: Meter,
): Promise<Outcome> {
  const { outcome } = await withReader(pipeline, operation, call.caller, (sql) =>
    execute(pipeline, sql, operation, call, input, meter),
  );
  await pipeline.recorder.record(eventOf(operation, outcome, meter));
  return outcome;
}

/** Runs a read as its declaration says: as the tenant, or as the database owner. */
function withReader<T>(
  { database }: PipelineDependencies,
  { execution: { role, connection } }: Operation,
  caller: Caller,
  work: (sql: Sql) => Promise<T>,
): Promise<T> {
  if (role === 'operator') return database.operatorRead(caller.userId, work);
  if (role === 'admin') return work(database.owner);
  return work(connection === 'shared' ? database.shared(caller) : database.read(caller));
}

async function write(
  pipeline: PipelineDependencies,
  operation: Operation,
  call: Call,
  input: unknown,
  meter: Meter,
): Promise<Outcome> {
  const { database } = pipeline;
  const { caller } = call;
  const { userId } = caller;
  let isReplay = false;
  const work = async (sql: Sql) => {
    const replay = await findReplay(sql, operation, call, input, pipeline.now());
    isReplay = replay !== undefined;
    if (replay) return toReplay(operation, call, replay);
    const { result, outcome } = await execute(pipeline, sql, operation, call, input, meter);
    // The whole result, also of a caller who gets a receipt: another key of the account may repeat the call.
    await storeForReplay(sql, operation, call, { status: outcome.status, body: result });
    return outcome;
  };
  // The usage event of a replay is that of the first call.
  const after = (outcome: Outcome) =>
    isReplay ? [] : [insertUsageEventsStatement([eventOf(operation, outcome, meter)])];
  const isOwner = operation.execution.role !== undefined;
  if (isMemoryOperation(operation) && !isOwner) {
    const outcome = await database.write(caller, work, { before: [lockTenantStatement(userId)], after });
    pipeline.onMemoriesWritten?.();
    return outcome;
  }
  const written = isOwner ? database.ownerWrite(work, { after }, userId) : database.write(caller, work, { after });
  // The database notifies this node too, but perhaps only after the response. A commit may also succeed when its reply is lost.
  return written.finally(() => pipeline.keys.onChange(userId));
}

/** Runs the operation's domain function and validates its result against the operation's output. Returns the result, and what the caller gets of it. */
async function execute(
  pipeline: PipelineDependencies,
  sql: Sql,
  operation: Operation,
  call: Call,
  input: unknown,
  meter: Meter,
): Promise<{ result: unknown; outcome: Outcome }> {
  const measure = measureOf(operation, call);
  const returned = await handlerOf(operation.id)(contextOf(pipeline, sql), call.caller, input, {
    ...pipeline,
    measure,
  });
  const result = operation.output.parse(returned);
  const cost = costOfResult(operation, result);
  // A write over the limit is rolled back.
  if (cost) await meter.charge(cost);
  const outcome = toOutcome(operation, call, result);
  if (pipeline.enforceContracts) assertDeclaredStatus(operation, outcome.status);
  return { result, outcome };
}

function toOutcome(operation: Operation, { caller, render }: Call, result: unknown): Outcome {
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

/** Returns the outcome of a repeated call: the first response, with the headers of what it returns now. */
function toReplay(operation: Operation, call: Call, { status, body, eventId }: Replay): Outcome {
  const outcome = toOutcome(operation, call, operation.output.parse(body));
  return { ...outcome, status, headers: { ...outcome.headers, 'Idempotency-Replayed': 'true' }, eventId };
}

function contextOf(pipeline: PipelineDependencies, sql: Sql): RequestContext {
  const { now, newId } = pipeline;
  return { sql, now, newId };
}

/** Returns what counts the tokens of a result as the call's transport sends it. */
function measureOf({ cost }: Operation, { render }: Call): Measure {
  if (!render) return (result, atMost) => cost?.tokens?.(result) ?? tokensAsJson(result, atMost);
  return (result, atMost) => Math.max(...render(result).shown.map((text) => tokensWithin(text, atMost)));
}

/** Counts the tokens of a text. One with no more bytes than it may have tokens is not counted: a token has at least one byte. */
function tokensWithin(text: string, atMost?: number): number {
  const bytes = Buffer.byteLength(text);
  return atMost !== undefined && bytes <= atMost ? bytes : countTokens(text, atMost);
}

/** Creates the usage event of a success, with the tokens of what a model reads of it. */
function eventOf({ cost }: Operation, outcome: Outcome, meter: Meter): UsageEvent {
  const { status, body, stream, text = '', rendering } = outcome;
  const tokens = rendering ? countTokens(rendering.text) : cost?.tokens?.(body);
  return meter.event(status, stream?.bytes ?? Buffer.byteLength(text), tokens);
}
