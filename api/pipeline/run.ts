import { createHash } from 'node:crypto';
import type { Database } from '../../db/client/database.ts';
import type { Sql } from '../../db/client/sql.ts';
import { insertUsageEventsStatement, type UsageEvent } from '../../db/queries/usage/events.ts';
import {
  claimIdempotencyKey,
  type IdempotencyRow,
  storeIdempotentResponse,
} from '../../db/queries/usage/idempotency.ts';
import { lockTenantStatement } from '../../db/queries/usage/quotas.ts';
import type { Billing } from '../billing/billing.ts';
import type { Caller, RequestContext } from '../context.ts';
import { isMemoryOperation, isStreamed, type Operation, type Streamed } from '../contracts/operation.ts';
import { parseInput } from '../contracts/parse.ts';
import type { Embedder } from '../embeddings/embedder.ts';
import { Problem, problemDocument } from '../errors.ts';
import type { SecretScanning } from '../keys/secret-scanning.ts';
import type { AddressLimiter } from '../limits/ip-rate-limiter.ts';
import type { Limiter } from '../limits/local-limiter.ts';
import type { Metrics } from '../observability/metrics.ts';
import { countTokens } from '../tokens/count.ts';
import type { Recorder } from '../usage/event-recorder.ts';
import { utcDay } from '../usage/usage.ts';
import { authorise } from './authorize.ts';
import { handlerOf } from './handlers.ts';
import type { KeyCache } from './key-cache.ts';
import { costOf, overLimit, peekAllowance, rateHeaders, takeAllowance } from './rate-limit.ts';
import { asProblem } from './to-problem.ts';

/** What the pipeline works with; made once, in the process's entry point. */
export interface PipelineDependencies {
  database: Database;
  limiter: Limiter;
  /** Who signs what GitHub finds. */
  secretScanning: SecretScanning;
  /** What comes without a valid key, by where it comes from. */
  addresses: AddressLimiter;
  keys: KeyCache;
  recorder: Recorder;
  metrics: Metrics;
  now: () => Date;
  newId: () => string;
  keyEnvironment: string;
  /** Known only once the service listens. */
  publicUrl: () => string;
  embedder?: Embedder | undefined;
  /** Models before it of which there still are vectors. */
  formerEmbedders?: readonly Embedder[] | undefined;
  /** What is sold at Whop, where something is. */
  billing?: Billing | undefined;
  /** Told after each committed write to memories, for what follows it in the background. */
  onMemoriesWritten?: (() => void) | undefined;
  /** Told of what is our own fault, with its cause. */
  onFault: (error: unknown, requestId: string) => void;
}

export interface Call {
  /** A UUIDv7: it becomes the usage event's id. */
  eventId: string;
  requestId: string;
  caller: Caller;
  /** HTTP method, or the MCP method. */
  method: string;
  bytesIn: number;
  idempotencyKey?: string | undefined;
}

export interface Outcome {
  status: number;
  headers: Record<string, string>;
  /** The answer of a success. */
  body?: unknown;
  /** The same as it is sent: JSON, unless `type` names another media type. */
  text?: string;
  /** Instead of a text, what is sent piece by piece. */
  stream?: Streamed;
  type?: string;
  problem?: Problem;
  /** The usage event on record for it, a replay's that of the first call; undefined where nothing is on record. */
  eventId?: string;
}

/**
 * The one way to an operation, from every door: authorise → limit → do → meter → answer. Never throws: a refusal is an
 * outcome with a `problem`. An event of a write is in the write's own transaction; that of a read or a refusal is durable before
 * this resolves. What could not be metered is answered as `unavailable`.
 */
export async function run(
  pipeline: PipelineDependencies,
  operation: Operation,
  call: Call,
  rawInput: unknown,
): Promise<Outcome> {
  return metered(pipeline, operation.id, call, operation, rawInput, async (meter) => {
    authorise(operation, call.caller);
    await meter.limit();
    const input = parseInput(operation.input, rawInput);
    return operation.execution.kind === 'write'
      ? write(pipeline, operation, call, input, meter)
      : read(pipeline, operation, call, input, meter);
  });
}

/** Meters and limits a call that fits no operation, such as a tool nobody knows, and answers its refusal. */
export function refuseCall(
  pipeline: PipelineDependencies,
  name: string,
  call: Call,
  problem: Problem,
): Promise<Outcome> {
  return metered(pipeline, name, call, undefined, undefined, async (meter) => {
    await meter.limit();
    throw problem;
  });
}

interface Meter {
  limit(): Promise<void>;
  event(status: number, bytesOut: number, tokens?: number | null): UsageEvent;
}

async function metered(
  pipeline: PipelineDependencies,
  name: string,
  call: Call,
  operation: Operation | undefined,
  rawInput: unknown,
  act: (meter: Meter) => Promise<Outcome>,
): Promise<Outcome> {
  const started = performance.now();
  let headers: Record<string, string> | undefined;
  let units = 0;
  const meter: Meter = {
    async limit() {
      const cost = costOf(operation, rawInput);
      const decision = await takeAllowance(pipeline.limiter, call.caller, cost);
      headers = rateHeaders(decision);
      if (!decision.allowed) throw overLimit(decision);
      units = cost.day;
    },
    event: (status, bytesOut, tokens = null) => {
      const durationMs = performance.now() - started;
      return usageEvent(pipeline, name, call, { status, durationMs, bytesOut, units, tokens });
    },
  };
  const counted = (outcome: Outcome): Outcome => {
    const seconds = (performance.now() - started) / 1000;
    pipeline.metrics.called({ operation: name, door: call.caller.door, status: outcome.status, seconds });
    return outcome;
  };
  try {
    const outcome = await act(meter);
    return counted({ eventId: call.eventId, ...outcome, headers: { ...headers, ...outcome.headers } });
  } catch (error) {
    const problem = asProblem(error);
    if (problem.status >= 500) pipeline.onFault(error, call.requestId);
    // What was refused before the limiter was asked is told how the allowances stand all the same.
    if (!headers && problem.status < 500) headers = await standing(pipeline, call.caller);
    const document = JSON.stringify(problemDocument(problem, call.requestId, pipeline.publicUrl()));
    const recorded = await record(pipeline, meter.event(problem.status, Buffer.byteLength(document)), call);
    const answer = recorded ? problem : new Problem('unavailable');
    return counted({
      status: answer.status,
      headers: { ...headers, ...answer.data.headers },
      problem: answer,
      ...(recorded && { eventId: call.eventId }),
    });
  }
}

async function read(
  pipeline: PipelineDependencies,
  operation: Operation,
  call: Call,
  input: unknown,
  meter: Meter,
): Promise<Outcome> {
  const { userId } = call.caller;
  const sql =
    operation.execution.connection === 'shared' ? pipeline.database.shared(userId) : pipeline.database.read(userId);
  const answer = await handlerOf(operation.id)(depsOf(pipeline, sql, operation), call.caller, input);
  const outcome = present(operation, answer);
  await pipeline.recorder.record(eventOf(operation, outcome, meter));
  return outcome;
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
  let isReplay = false;
  const act = async (sql: Sql) => {
    const stored = await claim(pipeline, sql, operation, call, input);
    isReplay = stored !== undefined;
    if (stored) return replay(stored);
    const outcome = present(operation, await handlerOf(operation.id)(depsOf(pipeline, sql, operation), caller, input));
    await keepAnswer(sql, operation, call, outcome);
    return outcome;
  };
  // A replay has the event of the first call.
  const after = (outcome: Outcome) =>
    isReplay ? [] : [insertUsageEventsStatement([eventOf(operation, outcome, meter)])];
  if (isMemoryOperation(operation)) {
    const answer = await database.write(caller.userId, act, { before: [lockTenantStatement(caller.userId)], after });
    pipeline.onMemoriesWritten?.();
    return answer;
  }
  const written =
    operation.execution.role === 'admin'
      ? database.ownerWrite(act, { after })
      : database.write(caller.userId, act, { after });
  // This node too is told by the database, but perhaps only after the answer. Of a commit that got lost on its way, too.
  return written.finally(() => pipeline.keys.onChange(caller.userId));
}

/** Keeps the answer of a call with an Idempotency-Key for its repeats. */
async function keepAnswer(
  sql: Sql,
  operation: Operation,
  call: Call,
  { status, body, headers }: Outcome,
): Promise<void> {
  if (!call.idempotencyKey) return;
  const answer = { status, body, headers, holdsSecret: operation.execution.returnsSecret ?? false };
  await storeIdempotentResponse(sql, call.caller.userId, call.idempotencyKey, answer);
}

/** Claims the call's Idempotency-Key, if it has one. Answers what an earlier call with the same key and request left. */
async function claim(
  pipeline: PipelineDependencies,
  sql: Sql,
  operation: Operation,
  call: Call,
  input: unknown,
): Promise<IdempotencyRow | undefined> {
  if (!call.idempotencyKey) return undefined;
  const now = pipeline.now();
  const requestHash = createHash('sha256')
    .update(JSON.stringify([operation.id, input, call.caller.project]))
    .digest();
  const stored = await claimIdempotencyKey(sql, call.caller.userId, {
    key: call.idempotencyKey,
    requestHash,
    eventId: call.eventId,
    day: utcDay(now),
    now,
  });
  if (!stored) return undefined;
  if (!stored.request_hash.equals(requestHash)) throw new Problem('idempotency_conflict');
  if (stored.holds_secret) throw new Problem('secret_already_shown');
  return stored;
}

function replay(stored: IdempotencyRow): Outcome {
  return {
    status: stored.status ?? 200,
    headers: { ...stored.headers, 'Idempotency-Replayed': 'true' },
    body: stored.body,
    text: JSON.stringify(stored.body),
    eventId: stored.event_id,
  };
}

/** The answer by the operation's contract. A mismatch is our fault and never leaves the house. */
function present(operation: Operation, answer: unknown): Outcome {
  const body = operation.output.parse(answer);
  const { http } = operation;
  const status = http.status?.(body) ?? http.statuses[0];
  const headers = { ...http.headers?.(body) };
  if (isStreamed(body)) {
    const disposition = { 'Content-Disposition': `attachment; filename="${body.name}"` };
    return { status, headers: { ...headers, ...disposition }, body, stream: body, type: http.mediaType as string };
  }
  if (http.mediaType) return { status, headers, body, text: body as string, type: http.mediaType };
  return { status, headers, body, text: JSON.stringify(body) };
}

function depsOf(pipeline: PipelineDependencies, sql: Sql, { mcp }: Operation): RequestContext {
  const weigh =
    mcp?.renderings && ((answer: unknown) => Math.max(...(mcp.renderings?.(answer) ?? []).map(countTokens)));
  const { now, newId, keyEnvironment, embedder, formerEmbedders, billing } = pipeline;
  return { sql, now, newId, keyEnvironment, embedder, formerEmbedders, billing, weigh };
}

/** The event of a success, with the tokens that a model reads of it. */
function eventOf(operation: Operation, { status, body, stream, text = '' }: Outcome, meter: Meter): UsageEvent {
  return meter.event(status, stream?.bytes ?? Buffer.byteLength(text), operation.cost?.tokens?.(body, countTokens));
}

async function standing(pipeline: PipelineDependencies, caller: Caller): Promise<Record<string, string>> {
  try {
    return rateHeaders(await peekAllowance(pipeline.limiter, caller));
  } catch {
    return {};
  }
}

async function record(pipeline: PipelineDependencies, event: UsageEvent, call: Call): Promise<boolean> {
  try {
    await pipeline.recorder.record(event);
    return true;
  } catch (error) {
    pipeline.onFault(error, call.requestId);
    return false;
  }
}

function usageEvent(
  pipeline: PipelineDependencies,
  operation: string,
  call: Call,
  measured: Pick<UsageEvent, 'status' | 'durationMs' | 'bytesOut' | 'units' | 'tokens'>,
): UsageEvent {
  const at = pipeline.now();
  return {
    id: call.eventId,
    userId: call.caller.userId,
    keyId: call.caller.keyId,
    day: utcDay(at),
    at,
    door: call.caller.door,
    operation,
    method: call.method,
    // Successes and the caller's own mistakes are work done; what we refused or broke is not.
    billable: measured.status < 500 && measured.status !== 429,
    bytesIn: call.bytesIn,
    ...measured,
  };
}
