import { UnknownOutcomeError } from '../../db/client/retry.ts';
import type { Sql } from '../../db/client/sql.ts';
import { insertUsageEventsStatement } from '../../db/queries/usage/events.ts';
import { lockTenantStatement } from '../../db/queries/usage/quotas.ts';
import { isMemoryOperation, type Operation } from '../contracts/operation.ts';
import type { Problem } from '../errors.ts';
import { countAhead } from '../search/count-in-thread.ts';
import type { Call, Outcome } from './call.ts';
import type { PipelineDependencies } from './dependencies.ts';
import { contextOf, type Executed, eventOf, execute, toExecuted, toOutcome } from './execute.ts';
import { groupHandlerOf } from './handlers.ts';
import { findReplay, type Replay, storeForReplay } from './idempotency.ts';
import { faultContext, type Meter } from './metering.ts';
import { toProblem } from './to-problem.ts';

/** A call of a writing operation, authorized and within its limits. */
export interface Write {
  operation: Operation;
  call: Call;
  input: unknown;
  meter: Meter;
}

/** The outcome of a write. The usage event of a replay is that of the first call. */
interface Written {
  write: Write;
  outcome: Outcome;
  isReplay: boolean;
}

/**
 * Executes a write in a transaction with its usage event and its `Idempotency-Key`. Calls of one account that can be executed together
 * are, while another of them runs: the account is locked for one at a time anyway.
 */
export async function write(pipeline: PipelineDependencies, write: Write): Promise<Outcome> {
  const { operation, call, input } = write;
  if (operation.execution.role !== undefined || !isMemoryOperation(operation)) return writeAccount(pipeline, write);
  const { userId, projects, signal } = call.caller;
  const isGrouped = groupHandlerOf(operation.id)?.accepts(input) && projects === null && !signal?.aborted;
  if (!isGrouped) return writeAlone(pipeline, write);
  return pipeline.groupWrites(`${userId} ${operation.id}`, write, (writes) => writeGroup(pipeline, writes));
}

/** Executes a write of memories in a transaction of its own, which begins after the terms of large contents were counted. */
async function writeAlone(pipeline: PipelineDependencies, write: Write): Promise<Outcome> {
  const forget = await countAhead(write.call.caller.userId, contentsOf(write));
  try {
    return first(await writeMemories(pipeline, [write]));
  } finally {
    forget();
  }
}

/** Returns the contents that a write stores, which may be those of invalid items. */
function contentsOf({ operation, input }: Write): string[] {
  // The `content` of an import is a file, not the text of a memory.
  if (!operation.id.startsWith('memories.')) return [];
  const { memories = [], ...one } = input as { memories?: unknown[] };
  return [one, ...memories].flatMap((item) => {
    const content = (item as { content?: unknown } | null)?.content;
    return typeof content === 'string' ? [content] : [];
  });
}

/** Executes writes of memories together, or each by itself when one of them cannot be executed as part of a group. */
async function writeGroup(
  pipeline: PipelineDependencies,
  writes: readonly Write[],
): Promise<PromiseSettledResult<Outcome>[]> {
  if (writes.length > 1) {
    try {
      const outcomes = await writeMemories(pipeline, writes);
      return outcomes.map((value) => ({ status: 'fulfilled', value }));
    } catch (reason) {
      const problem = toProblem(reason);
      if (isOfAll(reason, problem)) return writes.map(() => ({ status: 'rejected', reason }));
      const { operation, call } = first(writes);
      if (problem.status >= 500) pipeline.onFault(reason, faultContext(call, operation.id, problem));
    }
  }
  return Promise.allSettled(writes.map(async (write) => first(await writeMemories(pipeline, [write]))));
}

/** Returns whether an error concerns every call of a group: each by itself would fail too, or may be stored twice. */
function isOfAll(error: unknown, { status }: Problem): boolean {
  return error instanceof UnknownOutcomeError || status === 503;
}

/** Executes writes of one account's memories in one transaction. */
async function writeMemories(pipeline: PipelineDependencies, writes: readonly Write[]): Promise<Outcome[]> {
  const { caller } = first(writes).call;
  // The signal of one call must not cancel the others.
  const tenant = writes.length === 1 ? caller : { userId: caller.userId, projects: caller.projects };
  const before = [lockTenantStatement(caller.userId)];
  const written = await pipeline.database.write(tenant, (sql) => perform(pipeline, sql, writes), { before, after });
  pipeline.onMemoriesWritten?.();
  return written.map(({ outcome }) => outcome);
}

/** Executes a write of the account itself, or of something else than memories. */
async function writeAccount(pipeline: PipelineDependencies, write: Write): Promise<Outcome> {
  const { database } = pipeline;
  const { caller } = write.call;
  const work = (sql: Sql) => perform(pipeline, sql, [write]);
  const written =
    write.operation.execution.role === undefined
      ? database.write(caller, work, { after })
      : database.ownerWrite(work, { after }, caller.userId);
  // The database notifies this node too, but perhaps only after the response. A commit may also succeed when its reply is lost.
  return first(await written.finally(() => pipeline.keys.onChange(caller.userId))).outcome;
}

/** Executes writes in a transaction, and keeps their responses for replays. */
async function perform(pipeline: PipelineDependencies, sql: Sql, writes: readonly Write[]): Promise<Written[]> {
  const written: Written[] = [];
  const fresh: Write[] = [];
  for (const write of writes) {
    const replay = await findReplay(sql, write.operation, write.call, write.input, pipeline.now());
    if (replay) written.push({ write, outcome: toReplay(write, replay), isReplay: true });
    else fresh.push(write);
  }
  const executed = await executeAll(pipeline, sql, fresh);
  for (const [place, write] of fresh.entries()) {
    const { result, outcome } = executed[place] as Executed;
    // The whole result, also of a caller who gets a receipt: another key of the account may repeat the call.
    await storeForReplay(sql, write.operation, write.call, { status: outcome.status, body: result });
    written.push({ write, outcome, isReplay: false });
  }
  return writes.map((write) => written.find((one) => one.write === write) as Written);
}

/** Executes one write, or several by the function that executes those of their operation together. */
async function executeAll(pipeline: PipelineDependencies, sql: Sql, writes: readonly Write[]): Promise<Executed[]> {
  const [write] = writes;
  if (!write) return [];
  const { operation } = write;
  if (writes.length === 1) return [await execute(pipeline, sql, operation, write.call, write.input, write.meter)];
  const calls = writes.map(({ call: { caller }, input }) => ({ caller, input }));
  const returned = await groupHandlerOf(operation.id)?.act(contextOf(pipeline, sql), calls, pipeline);
  return writes.map(({ call }, place) => toExecuted(pipeline, operation, call, returned?.[place]));
}

/** Returns the statements that record the usage events of writes, in their transaction. */
function after(written: readonly Written[]) {
  const events = written
    .filter(({ isReplay }) => !isReplay)
    .map(({ write: { operation, meter }, outcome }) => eventOf(operation, outcome, meter));
  return events.length === 0 ? [] : [insertUsageEventsStatement(events)];
}

/** Returns the outcome of a repeated call: the first response, with the headers of what it returns now. */
function toReplay({ operation, call }: Write, { status, body, eventId }: Replay): Outcome {
  const outcome = toOutcome(operation, call, operation.output.parse(body));
  return { ...outcome, status, headers: { ...outcome.headers, 'Idempotency-Replayed': 'true' }, eventId };
}

function first<T>(values: readonly T[]): T {
  const [value] = values;
  if (value === undefined) throw new Error('a group of writes is empty');
  return value;
}
