import type { Sql } from '../../db/client/sql.ts';
import type { Caller } from '../context.ts';
import type { Operation } from '../contracts/operation.ts';
import { parseInput } from '../contracts/parse.ts';
import type { Problem } from '../errors.ts';
import { authorize } from './authorize.ts';
import type { Call, Outcome } from './call.ts';
import type { PipelineDependencies } from './dependencies.ts';
import { contextOf, eventOf, execute, measureOf } from './execute.ts';
import { handlerOf } from './handlers.ts';
import { type Meter, meterCall } from './metering.ts';
import { write } from './write.ts';

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
    return pipeline.requestQueue.run(call.caller.userId, meter, () =>
      operation.execution.kind === 'write'
        ? write(pipeline, { operation, call, input, meter })
        : read(pipeline, operation, call, input, meter),
    );
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
