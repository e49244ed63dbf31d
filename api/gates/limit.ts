import type { Operation } from '../contracts/operation.ts';
import type { Caller } from '../domain.ts';
import { Problem } from '../errors.ts';
import type { Limiter, RateDecision, RatePolicy } from '../metering/limiter.ts';

/**
 * Takes what a call costs from the allowances of the user and, where it has one of its own, the key.
 * The decision is answered either way, so that a refusal carries the same headers as a success.
 * @throws Problem `batch_too_large` for what could never pass
 */
export async function takeAllowance(
  limiter: Limiter,
  operation: Operation | undefined,
  caller: Caller,
  input: unknown,
): Promise<RateDecision> {
  const policies: RatePolicy[] = [
    { name: 'rpm', subject: `{${caller.userId}}:user`, perMinute: caller.limits.requests_per_minute },
  ];
  if (caller.keyRequestsPerMinute) {
    policies.push({
      name: 'key-rpm',
      subject: `{${caller.userId}}:key:${caller.keyId}`,
      perMinute: caller.keyRequestsPerMinute,
    });
  }
  const cost = operation?.cost?.(input) ?? 1;
  const most = Math.min(...policies.map(({ perMinute }) => perMinute));
  // It could never pass, however long the caller waits.
  if (cost > most) {
    throw new Problem('batch_too_large', {
      detail: `This costs ${cost} of the ${most} calls a minute that the key may make. Send fewer items at once.`,
    });
  }
  return limiter.take(policies, cost);
}

/** What is not metered (`initialize`, lists, `ping`, notifications) still stays under this many times the plan's rate, per key. */
const PROTOCOL_FACTOR = 10;

/**
 * Takes protocol messages from the key's allowance.
 * @throws Problem `rate_limited`
 */
export async function takeProtocolAllowance(limiter: Limiter, caller: Caller, messages: number): Promise<void> {
  const perMinute = caller.limits.requests_per_minute * PROTOCOL_FACTOR;
  const decision = await limiter.take(
    [{ name: 'protocol', subject: `{${caller.userId}}:protocol:${caller.keyId}`, perMinute }],
    messages,
  );
  if (!decision.allowed) throw rateLimited(decision);
}

/** The refusal of a decision that does not allow the call. */
export function rateLimited(decision: RateDecision): Problem {
  const seconds = Math.max(1, decision.retryAfterSeconds);
  return new Problem('rate_limited', {
    detail: `More than ${violatedAllowance(decision)} calls a minute; try again in ${seconds} s.`,
    headers: { 'Retry-After': String(seconds) },
    extra: { 'violated-policies': decision.violated, retry_after_seconds: seconds },
  });
}

/** The headers of draft-ietf-httpapi-ratelimit-headers-11. */
export function rateHeaders({ states }: RateDecision): Record<string, string> {
  const policies = states.map(({ policy }) => `"${policy.name}";q=${policy.perMinute};w=60`);
  const left = states.map(({ policy, remaining, resetSeconds }) => `"${policy.name}";r=${remaining};t=${resetSeconds}`);
  return { 'RateLimit-Policy': policies.join(', '), RateLimit: left.join(', ') };
}

function violatedAllowance({ states, violated }: RateDecision): number {
  return Math.min(
    ...states.filter(({ policy }) => violated.includes(policy.name)).map(({ policy }) => policy.perMinute),
  );
}
