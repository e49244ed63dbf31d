import { UnknownOutcomeError } from '../../db/client/retry.ts';
import { type SpanData, traced } from '../../db/client/trace.ts';
import type { UsageEvent } from '../../db/queries/usage/events.ts';
import type { Caller } from '../context.ts';
import type { Operation } from '../contracts/operation.ts';
import { Problem, problemDocument } from '../errors.ts';
import type { Cost } from '../limits/local-limiter.ts';
import type { FaultContext } from '../observability/fault-reports.ts';
import { utcDay } from '../usage/usage.ts';
import type { Call, Outcome } from './call.ts';
import { declaredError } from './contract-check.ts';
import type { PipelineDependencies } from './dependencies.ts';
import { domainEventOf } from './domain-events.ts';
import { consumeRateLimit, costOf, peekRateLimit, rateLimitHeaders, rejectOverLimit } from './rate-limit.ts';
import { toProblem } from './to-problem.ts';

/** Limits and measures one call. */
export interface Meter {
  /**
   * Consumes the call's cost from the caller's rate limits.
   * @throws Problem `rate_limited`, `quota_exceeded`, `batch_too_large`, `unavailable`
   */
  limit(): Promise<void>;
  /**
   * Consumes a cost that is known only after the operation ran.
   * @throws Problem like {@link limit}
   */
  charge(cost: Cost): Promise<void>;
  /** Returns to the rate limits what the call has consumed: it is not executed. */
  refund(): Promise<void>;
  /** Creates the usage event of the call. `tokens` is null where they are not counted; `code` is that of a problem. */
  event(status: number, bytesOut: number, tokens?: number | null, code?: string): UsageEvent;
}

/** A call with the operation that it names; undefined for names that are not known, such as those of unknown tools. */
interface MeteredCall {
  name: string;
  call: Call;
  operation?: Operation | undefined;
  rawInput?: unknown;
}

/**
 * Runs `act` and counts it in the metrics. Never throws: an error becomes an outcome with a `problem`, whose usage event is
 * durable before this resolves. A failure that cannot be recorded is returned with the reason of that, a 503. The event of a success is
 * recorded by `act`.
 */
export async function meterCall(
  pipeline: PipelineDependencies,
  { name, call, operation, rawInput }: MeteredCall,
  act: (meter: Meter) => Promise<Outcome>,
): Promise<Outcome> {
  const started = performance.now();
  let headers: Record<string, string> | undefined;
  let units = 0;
  let minutes = 0;
  const meter: Meter = {
    limit: () => meter.charge(costOf(operation, rawInput)),
    async charge(cost) {
      const decision = await consumeRateLimit(pipeline.limiter, call.caller, cost);
      headers = rateLimitHeaders(decision);
      if (!decision.allowed) throw rejectOverLimit(pipeline.metrics, decision);
      if (takesFromPlan(call)) units += cost.day;
      minutes += cost.minute;
    },
    refund: async () => {
      const cost = { minute: -minutes, day: -units };
      [minutes, units] = [0, 0];
      headers = rateLimitHeaders(await consumeRateLimit(pipeline.limiter, call.caller, cost));
    },
    event: (status, bytesOut, tokens = null, code) => {
      const durationMs = performance.now() - started;
      return usageEvent(pipeline, name, call, { status, durationMs, bytesOut, units, tokens, code: code ?? null });
    },
  };
  const span = spanOf(name, call);
  const outcome = await traced(span, async () => {
    const finished = await act(meter).then(
      (success) => ({ eventId: call.eventId, ...success, headers: { ...headers, ...success.headers } }),
      (error) => failed(pipeline, call, operation, error, meter, headers),
    );
    span.attributes['http.response.status_code'] = finished.status;
    return finished;
  });
  const seconds = (performance.now() - started) / 1000;
  pipeline.metrics.requestFinished({
    operation: name,
    transport: call.caller.transport,
    status: outcome.status,
    seconds,
  });
  const event = domainEventOf(name, call, outcome, seconds);
  if (event) pipeline.onDomainEvent(event);
  return outcome;
}

/** Describes a call for traces. */
function spanOf(name: string, { caller, requestId }: Call): SpanData {
  const attributes = { 'user.id': caller.userId, transport: caller.transport, request_id: requestId };
  return { name, kind: 'operation', attributes };
}

/** Records the usage event of a failed call and returns its outcome. `headers` are the rate limit's, once it was consumed. */
async function failed(
  pipeline: PipelineDependencies,
  call: Call,
  operation: Operation | undefined,
  thrown: unknown,
  meter: Meter,
  headers?: Record<string, string>,
): Promise<Outcome> {
  const error = operation && pipeline.enforceContracts ? declaredError(operation, toProblem(thrown), thrown) : thrown;
  const problem = toProblem(error);
  if (problem.status >= 500) pipeline.onFault(error, faultContext(call, operation?.id, problem));
  // An error that comes before the rate limit is consumed has its headers too.
  const limitHeaders = headers ?? (problem.status < 500 ? await currentRateLimit(pipeline, call.caller) : {});
  const document = JSON.stringify(problemDocument(problem, call.requestId, pipeline.publicUrl()));
  // A write that may have been committed, or may be yet, has its event in its own transaction.
  const failure =
    thrown instanceof UnknownOutcomeError
      ? thrown
      : await record(pipeline, meter.event(problem.status, Buffer.byteLength(document), null, problem.code), call);
  const isRecorded = failure === undefined;
  const reported = isRecorded || problem.status === 503 ? problem : unrecorded(failure);
  return {
    status: reported.status,
    headers: { ...limitHeaders, ...reported.data.headers },
    problem: reported,
    ...(isRecorded && { eventId: call.eventId }),
  };
}

async function currentRateLimit(pipeline: PipelineDependencies, caller: Caller): Promise<Record<string, string>> {
  try {
    return rateLimitHeaders(await peekRateLimit(pipeline.limiter, caller));
  } catch {
    return {};
  }
}

/** Returns the problem of a call that could not be recorded. */
function unrecorded(failure: unknown): Problem {
  const problem = toProblem(failure);
  return problem.status === 503 ? problem : new Problem('unavailable');
}

/** Returns whether a call counts against the plan: one of a key does, one of a signed-in browser does not. */
function takesFromPlan({ caller }: Call): boolean {
  return caller.sessionId === null;
}

/** Describes the call of a fault. */
export function faultContext(
  { requestId, caller }: Call,
  operation: string | undefined,
  { code }: Problem,
): FaultContext {
  return { requestId, userId: caller.userId, operation, code };
}

/** Records an event. Returns the error when that fails. */
async function record(pipeline: PipelineDependencies, event: UsageEvent, call: Call): Promise<unknown> {
  try {
    await pipeline.recorder.record(event);
    return undefined;
  } catch (error) {
    pipeline.onFault(error, faultContext(call, event.operation, toProblem(error)));
    return error;
  }
}

function usageEvent(
  pipeline: PipelineDependencies,
  operation: string,
  call: Call,
  measured: Pick<UsageEvent, 'status' | 'durationMs' | 'bytesOut' | 'units' | 'tokens' | 'code'>,
): UsageEvent {
  const at = pipeline.now();
  return {
    id: call.eventId,
    userId: call.caller.userId,
    keyId: call.caller.keyId,
    day: utcDay(at),
    at,
    transport: call.caller.transport,
    operation,
    method: call.method,
    // Only a call that was let through, and so took units of the plan, is billable; a failure of the service and a call over a limit are not.
    billable: measured.units > 0 && measured.status < 500 && measured.status !== 429,
    bytesIn: call.bytesIn,
    client: call.client,
    requestId: call.requestId,
    ...measured,
  };
}
