import { memoizeAsync } from '../db/client/memoize-async.ts';

/** Releases resources in the reverse order of their acquisition. */
export interface Closers {
  add(close: () => unknown): void;
  /**
   * Runs every closer, the last one added first, each after the one before has finished. A failing closer does not keep the
   * others from running. Later calls return the same promise.
   * @throws the first error of a closer, after all have run
   */
  closeAll(): Promise<void>;
}

/** Creates an empty stack. `AsyncDisposableStack` does the same, but needs Node 24. */
export function createClosers(): Closers {
  const closers: (() => unknown)[] = [];

  async function run(): Promise<void> {
    const errors: unknown[] = [];
    for (const close of closers.toReversed()) {
      try {
        await close();
      } catch (error) {
        errors.push(error);
      }
    }
    if (errors.length > 0) throw errors[0];
  }

  return {
    add: (close) => {
      closers.push(close);
    },
    closeAll: memoizeAsync(run),
  };
}
