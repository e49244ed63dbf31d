import { memoizeAsync } from '../db/client/memoize-async.ts';

/** Releases resources in the reverse order of their acquisition. */
export interface Closers {
  /**
   * Adds a closer.
   * @param limitMs time after which the next closer runs, although this one has not finished
   */
  add(close: () => unknown, limitMs?: number): void;
  /**
   * Runs every closer, the last one added first, each after the one before has finished or is overdue. A failing closer does not
   * keep the others from running. Later calls return the same promise.
   * @throws the first error of a closer, after all have run
   */
  closeAll(): Promise<void>;
}

interface ClosersOptions {
  /** Time for all closers together. Once it is over, each of the others has {@link LEAST_MS}. */
  totalMs?: number;
  /** Called with the limit of a closer that is overdue. */
  onOverdue?: (limitMs: number) => void;
}

const LEAST_MS = 100;

/** Creates an empty stack. `AsyncDisposableStack` does the same, but needs Node 24 and knows no limits. */
export function createClosers({ totalMs = Number.POSITIVE_INFINITY, onOverdue }: ClosersOptions = {}): Closers {
  const closers: { close: () => unknown; limitMs: number }[] = [];

  async function run(): Promise<void> {
    const errors: unknown[] = [];
    const until = performance.now() + totalMs;
    for (const { close, limitMs } of closers.toReversed()) {
      const waitMs = Math.min(limitMs, Math.max(LEAST_MS, until - performance.now()));
      try {
        if (!(await settles(close, waitMs))) onOverdue?.(Math.round(waitMs));
      } catch (error) {
        errors.push(error);
      }
    }
    if (errors.length > 0) throw errors[0];
  }

  return {
    add: (close, limitMs = Number.POSITIVE_INFINITY) => {
      closers.push({ close, limitMs });
    },
    closeAll: memoizeAsync(run),
  };
}

/** Runs a closer. Returns false if it takes longer than `limitMs`; its error is then ignored. @throws the error of the closer */
async function settles(close: () => unknown, limitMs: number): Promise<boolean> {
  if (limitMs === Number.POSITIVE_INFINITY) {
    await close();
    return true;
  }
  let timer: NodeJS.Timeout | undefined;
  const overdue = new Promise<false>((resolve) => {
    timer = setTimeout(resolve, limitMs, false);
  });
  try {
    return await Promise.race([Promise.resolve(close()).then(() => true as const), overdue]);
  } finally {
    clearTimeout(timer);
  }
}
