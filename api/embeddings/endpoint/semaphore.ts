/** Lets so many tasks run at a time; the others wait their turn. */
export class Lanes {
  readonly #waiting: (() => void)[] = [];
  #free: number;

  constructor(count: number) {
    this.#free = count;
  }

  async run<T>(task: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free--;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      return await task();
    } finally {
      // The place is handed on, not given back, so that none who comes now is faster than one who waits.
      const next = this.#waiting.shift();
      if (next) next();
      else this.#free++;
    }
  }
}
