import { setTimeout as sleep } from 'node:timers/promises';
import { Failure } from './failure.ts';
import { isHandshake, isRead } from './message.ts';

/** Time limits of retries, in milliseconds. */
export interface RetryBudget {
  /** For the methods that open a connection (`isHandshake`). */
  handshakeMs: number;
  /** For every other method, while the service cannot be reached. */
  otherMs: number;
  /** For a request that was sent and got no response, such as one during a restart of the service. */
  brokenMs: number;
  /** Total of the delays requested by `Retry-After`. */
  retryAfterMs: number;
}

export const defaultRetryBudget: RetryBudget = {
  handshakeMs: 8_000,
  otherMs: 3_000,
  brokenMs: 15_000,
  retryAfterMs: 5_000,
};

/** Repeats an attempt while it fails for a transient reason and repeating it is safe. */
export async function withRetry(
  method: string,
  attempt: () => Promise<void>,
  budget: RetryBudget,
  signal: AbortSignal,
): Promise<void> {
  const began = Date.now();
  let limitMs = isHandshake(method) ? budget.handshakeMs : budget.otherMs;
  let waitLeftMs = budget.retryAfterMs;
  for (let attempts = 1; ; attempts++) {
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof Failure) || signal.aborted) throw error;
      const requestedMs = isRead(method) ? error.details.retryAfterMs : undefined;
      if (requestedMs !== undefined) {
        const pauseMs = Math.max(requestedMs, 250) + Math.random() * 100;
        waitLeftMs -= Math.max(requestedMs, 250);
        if (waitLeftMs < 0) throw error;
        await sleep(pauseMs, undefined, { signal });
      } else {
        if (error.kind === 'broken') limitMs = Math.max(limitMs, budget.brokenMs);
        const pauseMs = backoffMs(attempts);
        if (!isRepeatable(method, error) || Date.now() + pauseMs > began + limitMs) throw error;
        await sleep(pauseMs, undefined, { signal });
      }
    }
  }
}

/**
 * Checks that a message can be sent again: nothing was sent, or it only reads, or it is a tool call, which the service executes once
 * for its `Idempotency-Key`.
 */
function isRepeatable(method: string, failure: Failure): boolean {
  if (!failure.details.transient || failure.details.retryAfterMs !== undefined) return false;
  return failure.details.unsent === true || isRead(method) || method === 'tools/call';
}

/** Returns 100 ms, doubled up to 1 s, half of it random: the bridges of a restarted service do not all retry at once. */
function backoffMs(attempts: number): number {
  const maxMs = Math.min(1_000, 100 * 2 ** (attempts - 1));
  return maxMs / 2 + (Math.random() * maxMs) / 2;
}
