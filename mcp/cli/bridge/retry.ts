import { setTimeout as sleep } from 'node:timers/promises';
import { Failure } from './failure.ts';
import { isHandshake, isRead } from './message.ts';

/** Time limits of retries, in milliseconds. */
export interface RetryBudget {
  /** For the methods that open a connection (`isHandshake`). */
  handshakeMs: number;
  /** For every other method. */
  otherMs: number;
  /** Total of the delays requested by `Retry-After`. */
  retryAfterMs: number;
}

export const defaultRetryBudget: RetryBudget = { handshakeMs: 8_000, otherMs: 3_000, retryAfterMs: 5_000 };

/** Repeats an attempt while it fails for a transient reason and repeating it is safe. */
export async function withRetry(
  method: string,
  attempt: () => Promise<void>,
  budget: RetryBudget,
  signal: AbortSignal,
): Promise<void> {
  const deadline = Date.now() + (isHandshake(method) ? budget.handshakeMs : budget.otherMs);
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
        const pauseMs = backoffMs(attempts);
        if (!isRepeatable(method, error) || Date.now() + pauseMs > deadline) throw error;
        await sleep(pauseMs, undefined, { signal });
      }
    }
  }
}

/** A tool call may have been executed although the response was lost, so it is repeated only if it was never sent. */
function isRepeatable(method: string, failure: Failure): boolean {
  if (!failure.details.transient || failure.details.retryAfterMs !== undefined) return false;
  return failure.details.unsent === true || isRead(method);
}

/** Returns 100 ms, doubled up to 1 s, half of it random: the bridges of a restarted service do not all retry at once. */
function backoffMs(attempts: number): number {
  const maxMs = Math.min(1_000, 100 * 2 ** (attempts - 1));
  return maxMs / 2 + (Math.random() * maxMs) / 2;
}
