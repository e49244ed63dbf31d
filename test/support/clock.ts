/** A clock for a service under test: it follows the system clock until a test moves or stops it. */
interface TestClock {
  now(): Date;
  /** Moves the clock forward. */
  advance(milliseconds: number): void;
  /** Stops the clock; from here on only `advance` moves it. */
  stop(): void;
  /** Returns to the system clock. */
  reset(): void;
}

export function createClock(): TestClock {
  let stoppedAt: number | undefined;
  let offsetMs = 0;
  return {
    now: () => new Date((stoppedAt ?? Date.now()) + offsetMs),
    advance(milliseconds) {
      offsetMs += milliseconds;
    },
    stop() {
      stoppedAt = Date.now();
    },
    reset() {
      stoppedAt = undefined;
      offsetMs = 0;
    },
  };
}
