/** Clocks in milliseconds: that of the day goes on while the computer sleeps, the other one stops. */
export interface Clocks {
  ofDay(): number;
  ofProcess(): number;
}

const systemClocks: Clocks = { ofDay: Date.now, ofProcess: () => performance.now() };

const CHECK_MS = 2_000;
/** A shorter difference may be a correction of the clock. */
const SLEEP_MS = 10_000;
/** How long after waking a connection may still be one from before. */
const FRESH_MS = 15_000;

/**
 * Notices that the computer has slept. Connections from before are dead then, though no error says so: a request would wait for its
 * timeout.
 */
export class SleepWatch {
  readonly #clocks: Clocks;
  readonly #onWake: () => void;
  readonly #timer: NodeJS.Timeout;
  #offset: number;
  #wokeAt = Number.NEGATIVE_INFINITY;

  constructor(onWake: () => void, clocks: Clocks = systemClocks) {
    this.#clocks = clocks;
    this.#onWake = onWake;
    this.#offset = this.#difference();
    this.#timer = setInterval(() => this.check(), CHECK_MS);
    this.#timer.unref();
  }

  /** Compares the clocks. */
  check(): void {
    const difference = this.#difference();
    const hasSlept = difference - this.#offset > SLEEP_MS;
    this.#offset = difference;
    if (!hasSlept) return;
    this.#wokeAt = this.#clocks.ofProcess();
    this.#onWake();
  }

  /** Returns whether the computer has just woken. */
  hasJustWoken(): boolean {
    return this.#clocks.ofProcess() - this.#wokeAt < FRESH_MS;
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #difference(): number {
    return this.#clocks.ofDay() - this.#clocks.ofProcess();
  }
}
