import type { Caller } from '../context.ts';
import { LIMITS } from '../contracts/fields.ts';
import type { Operation } from '../contracts/operation.ts';
import { Problem } from '../errors.ts';
import { type Cost, type Limiter, ONE_REQUEST, type RateDecision, type RatePolicy } from '../limits/local-limiter.ts';
import { SESSION_CALLS_PER_MINUTE } from '../limits/plans.ts';
import type { Metrics } from '../observability/metrics.ts';

const ITEMS_PER_CALL = 10;

/** Returns the cost of a call: each item of a batch costs one call of the day, every started ten items one call of the minute. */
export function costOf(operation: Operation | undefined, input: unknown): Cost {
  const items = operation?.cost?.items?.(input) ?? 0;
  return items > 1 ? { minute: Math.ceil(items / ITEMS_PER_CALL), day: items } : ONE_REQUEST;
}

/** Returns the cost of a result beyond the one call that was consumed before the operation ran, or undefined when there is none. */
export function costOfResult({ cost }: Operation, result: unknown): Cost | undefined {
  const day = cost?.dayUnits?.(result) ?? 0;
  if (day > 0) return { minute: 0, day };
  const units = Math.ceil((cost?.changes?.(result) ?? 0) / LIMITS.changesPerUnit) - 1;
  return units > 0 ? { minute: units, day: units } : undefined;
}

/**
 * Consumes the cost of a call from the rate limits of the user and, if it has its own, of the key. Returns the decision
 * whether or not it allows the call, so that errors have the same headers as successes.
 * @throws Problem `batch_too_large` for a cost above a limit, `unavailable` when the limiter cannot count
 */
export async function consumeRateLimit(limiter: Limiter, caller: Caller, cost: Cost): Promise<RateDecision> {
  const policies = policiesOf(caller);
  const short = policies.find(({ window, limit }) => cost[window] > limit);
  // Waiting would not help.
  if (short) {
    const { window, limit } = short;
    throw new Problem('batch_too_large', {
      detail: `This costs ${cost[window]} of the ${limit} calls a ${window} that you may make. Send fewer items at once.`,
    });
  }
  return limiter.consume(policies, cost);
}

/** Returns the state of the rate limits without consuming, for the headers of an error before the limiter. */
export function peekRateLimit(limiter: Limiter, caller: Caller): Promise<RateDecision> {
  return limiter.consume(policiesOf(caller), { minute: 0, day: 0 });
}

function policiesOf({ userId, keyId, sessionId, limits, keyRequestsPerMinute }: Caller): RatePolicy[] {
  if (sessionId !== null) {
    const { session, account } = SESSION_CALLS_PER_MINUTE;
    return [
      { name: 'session', window: 'minute', subject: `{${userId}}:session:${sessionId}`, limit: session },
      { name: 'dashboard', window: 'minute', subject: `{${userId}}:dashboard`, limit: account },
    ];
  }
  const policies: RatePolicy[] = [
    { name: 'rpm', window: 'minute', subject: `{${userId}}:user`, limit: limits.requests_per_minute },
  ];
  if (keyRequestsPerMinute) {
    policies.push({
      name: 'key-rpm',
      window: 'minute',
      subject: `{${userId}}:key:${keyId}`,
      limit: keyRequestsPerMinute,
    });
  }
  policies.push({ name: 'daily', window: 'day', subject: `{${userId}}:day`, userId, limit: limits.requests_per_day });
  return policies;
}

/** Unmetered messages (`initialize`, lists, `ping`, notifications) are limited to this many times the plan's rate, per key. */
const PROTOCOL_FACTOR = 10;

/**
 * Consumes protocol messages from the key's rate limit. Returns its headers.
 * @throws Problem `rate_limited`
 */
export async function consumeProtocolRateLimit(
  { limiter, metrics }: { limiter: Limiter; metrics: Pick<Metrics, 'rateLimitHit'> },
  caller: Caller,
  messages: number,
): Promise<Record<string, string>> {
  const limit = caller.limits.requests_per_minute * PROTOCOL_FACTOR;
  const subject = `{${caller.userId}}:protocol:${caller.keyId}` as const;
  const decision = await limiter.consume([{ name: 'protocol', window: 'minute', subject, limit }], {
    minute: messages,
    day: 0,
  });
  if (!decision.allowed) throw rejectOverLimit(metrics, decision);
  return rateLimitHeaders(decision);
}

/** Counts a rejected request in the metrics and returns its error. */
export function rejectOverLimit(metrics: Pick<Metrics, 'rateLimitHit'>, decision: RateDecision): Problem {
  const problem = limitExceeded(decision);
  metrics.rateLimitHit(problem.code === 'quota_exceeded' ? 'day' : 'minute');
  return problem;
}

/** Returns the error of a decision that rejects a call: `quota_exceeded` when the daily quota is used up, else `rate_limited`. */
function limitExceeded(decision: RateDecision): Problem {
  const { violated, retryAfterSeconds, retryAt } = decision;
  const day = violated.find(({ policy }) => policy.window === 'day');
  const { policy, remaining } =
    day ?? violated.reduce((one, other) => (other.policy.limit < one.policy.limit ? other : one));
  const seconds = Math.max(1, retryAfterSeconds);
  const detail = day
    ? `${remaining} of the ${policy.limit} calls of this UTC day are left; they come back in ${seconds} s, at ${retryAt.toISOString()}.`
    : `More than ${policy.limit} calls a minute; try again in ${seconds} s.`;
  return new Problem(day ? 'quota_exceeded' : 'rate_limited', {
    detail,
    headers: { ...rateLimitHeaders(decision), 'Retry-After': String(seconds) },
    extra: {
      'violated-policies': violated.map(({ policy }) => policy.name),
      retry_after_seconds: seconds,
      limit: policy.limit,
      remaining,
      resets_at: retryAt.toISOString(),
    },
  });
}

const WINDOW_SECONDS = { minute: 60, day: 86_400 };

/** Returns the headers of draft-ietf-httpapi-ratelimit-headers-11. */
export function rateLimitHeaders({ states }: RateDecision): Record<string, string> {
  const policies = states.map(
    ({ policy: { name, limit, window } }) => `"${name}";q=${limit};w=${WINDOW_SECONDS[window]}`,
  );
  const left = states.map(({ policy, remaining, resetSeconds }) => `"${policy.name}";r=${remaining};t=${resetSeconds}`);
  return { 'RateLimit-Policy': policies.join(', '), RateLimit: left.join(', ') };
}
