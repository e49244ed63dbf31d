const FAILURES = 5;
const FIRST_PAUSE_MS = 5_000;
const LONGEST_PAUSE_MS = 300_000;

/**
 * Stops asking a service that fails: after five failures in a row it is left alone for 5 s, then one request is let
 * through as a trial, and each trial that fails doubles the pause, up to five minutes. A success ends all of it.
 */
export class Breaker {
  readonly #now: () => number;
  #failures = 0;
  #pauseMs = FIRST_PAUSE_MS;
  #closedUntil = 0;
  #isTrying = false;
  /** The last failure, while there has been no success since. */
  reason: string | undefined;

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  get isOpen(): boolean {
    return this.#failures >= FAILURES;
  }

  /** Whether to ask now. Who is let through must report `succeeded` or `failed` (or `gaveUp`). */
  admits(): boolean {
    if (!this.isOpen) return true;
    if (this.#isTrying || this.#now() < this.#closedUntil) return false;
    this.#isTrying = true;
    return true;
  }

  succeeded(): void {
    this.#failures = 0;
    this.#pauseMs = FIRST_PAUSE_MS;
    this.#isTrying = false;
    this.reason = undefined;
  }

  /** @param pauseMs what the service itself asked for */
  failed(reason: string, pauseMs = 0): void {
    this.#failures++;
    this.reason = reason;
    this.#isTrying = false;
    if (!this.isOpen) return;
    this.#closedUntil = this.#now() + Math.max(pauseMs, this.#pauseMs);
    this.#pauseMs = Math.min(LONGEST_PAUSE_MS, this.#pauseMs * 2);
  }

  /** There was no answer, or none that says anything about the service. */
  gaveUp(): void {
    this.#isTrying = false;
  }
}
