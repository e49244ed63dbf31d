const FAILURES_MAX = 5;
const PAUSE_MIN_MS = 5_000;
const PAUSE_MAX_MS = 300_000;

/**
 * A circuit breaker. After five consecutive failures it opens for 5 s, then lets one trial request through; each failed
 * trial doubles the pause, up to five minutes. A success closes it.
 */
export class CircuitBreaker {
  readonly #now: () => number;
  #failures = 0;
  #pauseMs = PAUSE_MIN_MS;
  #openUntil = 0;
  #isTrying = false;
  /** Message of the last failure; undefined after a success. */
  reason: string | undefined;

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  get isOpen(): boolean {
    return this.#failures >= FAILURES_MAX;
  }

  /** Returns whether a request may be sent. The caller must then report `succeeded`, `failed` or `gaveUp`. */
  admits(): boolean {
    if (!this.isOpen) return true;
    if (this.#isTrying || this.#now() < this.#openUntil) return false;
    this.#isTrying = true;
    return true;
  }

  succeeded(): void {
    this.#failures = 0;
    this.#pauseMs = PAUSE_MIN_MS;
    this.#isTrying = false;
    this.reason = undefined;
  }

  /** Records a failure. @param pauseMs pause that the service asked for */
  failed(reason: string, pauseMs = 0): void {
    this.#failures++;
    this.reason = reason;
    this.#isTrying = false;
    if (!this.isOpen) return;
    this.#openUntil = this.#now() + Math.max(pauseMs, this.#pauseMs);
    this.#pauseMs = Math.min(PAUSE_MAX_MS, this.#pauseMs * 2);
  }

  /** Ends a trial without a result: there was no response, or none that reflects the service's health. */
  gaveUp(): void {
    this.#isTrying = false;
  }
}
