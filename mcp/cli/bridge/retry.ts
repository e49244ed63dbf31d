import { setTimeout as sleep } from 'node:timers/promises';
import { Failure } from './failure.ts';
import { isFirstContact, isRead } from './message.ts';

/** How long to keep trying, in milliseconds. */
export interface RetryBudget {
  /** For the method a client opens with. */
  firstContactMs: number;
  /** For every other. */
  otherMs: number;
  /** In all, for waits that the service asked for by `Retry-After`. */
  retryAfterMs: number;
}

export const defaultRetryBudget: RetryBudget = { firstContactMs: 8_000, otherMs: 3_000, retryAfterMs: 5_000 };

/** Runs an attempt again while its failure may be gone and another attempt can do no harm. */
export async function withRetry(
  method: string,
  attempt: () => Promise<void>,
  budget: RetryBudget,
  signal: AbortSignal,
): Promise<void> {
  const deadline = Date.now() + (isFirstContact(method) ? budget.firstContactMs : budget.otherMs);
  let waitLeftMs = budget.retryAfterMs;
  for (let attempts = 1; ; attempts++) {
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof Failure) || signal.aborted) throw error;
      const asked = isRead(method) ? error.facts.retryAfterMs : undefined;
      if (asked !== undefined) {
        const pauseMs = Math.max(asked, 250) + Math.random() * 100;
        waitLeftMs -= Math.max(asked, 250);
        if (waitLeftMs < 0) throw error;
        await sleep(pauseMs, undefined, { signal });
      } else {
        const pauseMs = backoffMs(attempts);
        if (!mayRepeat(method, error) || Date.now() + pauseMs > deadline) throw error;
        await sleep(pauseMs, undefined, { signal });
      }
    }
  }
}

/** A tool call may have its effect although the answer was lost, so it is repeated only if it was never sent. */
function mayRepeat(method: string, failure: Failure): boolean {
  if (!failure.facts.transient || failure.facts.retryAfterMs !== undefined) return false;
  return failure.facts.unsent === true || isRead(method);
}

/** 100 ms doubling up to 1 s, half of it by chance, so that the bridges of a restarted service do not come all at once. */
function backoffMs(attempts: number): number {
  const full = Math.min(1_000, 100 * 2 ** (attempts - 1));
  return full / 2 + (Math.random() * full) / 2;
}
