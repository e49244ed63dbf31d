import { type ChildProcess, fork } from 'node:child_process';
import { createRequire } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { EmbedderState } from '../embedder.ts';
import type { FromEncoder, ToEncoder } from './messages.ts';

/** What its owner hears of the encoder process. */
export interface EncoderEvents {
  ready(): void;
  message(message: FromEncoder): void;
  /** It ended or will never run: nothing sent to it before will be answered. */
  lost(reason: string): void;
}

export interface EncoderChildOptions {
  modelFolder: string;
  threads: number;
  /** Of its Node; for tests. */
  execArgv?: readonly string[];
  log?: (message: string) => void;
}

const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 30_000;
/** Who lived so long ended by another cause than the last time. */
const LONG_LIFE_MS = 60_000;
/** A batch takes a tenth of a second, loading half a second: after so long without a word it hangs. */
const SILENCE_MS = 60_000;

/**
 * Settings of glibc's allocator, unless somebody has set others: pieces from this size on are given back when they are free. What
 * loading the model leaves (copies of its weights, 2.4 MB each) would else stay, 50 MB of it; smaller limits make long texts slower.
 */
const ALLOCATOR = { MALLOC_MMAP_THRESHOLD_: '2200000', MALLOC_TRIM_THRESHOLD_: '67108864' };

const IS_SOURCE = import.meta.url.endsWith('.ts');
const ENTRY = fileURLToPath(new URL(`./encoder-process.${IS_SOURCE ? 'ts' : 'js'}`, import.meta.url));

/** Compiled it needs nothing; from source (tests, `npm run dev`) it needs what we ourselves were started with. */
const loader = () => (IS_SOURCE ? ['--import', pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href] : []);

/** Keeps one encoder process running: starts it, and again when it ends, later and later if it keeps ending. */
export class EncoderChild {
  state: EmbedderState = 'loading';
  reason: string | undefined = 'the model is loading';
  readonly #options: EncoderChildOptions;
  readonly #events: EncoderEvents;
  #process: ChildProcess | undefined;
  #pauseMs = FIRST_PAUSE_MS;
  #restart: NodeJS.Timeout | undefined;
  #silence: NodeJS.Timeout | undefined;
  #isHeld = false;

  constructor(options: EncoderChildOptions, events: EncoderEvents) {
    this.#options = options;
    this.#events = events;
    this.#start();
  }

  get pid(): number | undefined {
    return this.#process?.pid;
  }

  /** Only while `ready`; each message is answered, or `lost` is reported. */
  send(message: ToEncoder): void {
    this.#process?.send(message, () => {});
    this.#awaitWord();
  }

  /** Whether somebody waits for an answer: only then does it keep the service's process open. */
  hold(isHeld: boolean): void {
    if (isHeld === this.#isHeld) return;
    this.#isHeld = isHeld;
    this.#applyHold();
  }

  /** Ends it for good. */
  async close(): Promise<void> {
    clearTimeout(this.#restart);
    this.#turnOff('closed');
    const child = this.#process;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.ref();
    // It has nothing to bring to an end, and asking would wait for the batch that is under way.
    child.kill('SIGKILL');
    await ended;
  }

  #start(): void {
    const { modelFolder, threads, execArgv = [] } = this.#options;
    const child = fork(ENTRY, [modelFolder, String(threads)], {
      serialization: 'advanced',
      // Its questions of old space are small: the model lives outside of it.
      execArgv: ['--max-old-space-size=256', '--expose-gc', ...loader(), ...execArgv],
      // biome-ignore lint/style/noProcessEnv: handed on, not read.
      env: { ...ALLOCATOR, ...process.env },
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    const started = performance.now();
    let lastWords = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      lastWords = (lastWords + text).slice(-2_000);
    });
    child.on('message', (message: FromEncoder) => this.#receive(message));
    child.once('error', (error) => {
      // With a pid it was started, and its end will be reported by 'exit'.
      if (child.pid === undefined) this.#lose(child, started, error.message);
    });
    child.once('exit', (code, signal) => {
      this.#lose(child, started, `${signal ?? `exit code ${code}`} ${lastWords}`.trim());
    });
    this.#process = child;
    this.#applyHold();
    this.#awaitWord();
  }

  #receive(message: FromEncoder): void {
    this.#stopAwaiting();
    if (message.type === 'refused') {
      this.#options.log?.(`No vectors, search is by words only: ${message.reason}`);
      this.#turnOff(message.reason);
    } else if (message.type === 'ready') {
      if (this.state === 'off') return;
      this.state = 'ready';
      this.reason = undefined;
      this.#events.ready();
    } else this.#events.message(message);
    if (this.#isHeld) this.#awaitWord();
  }

  #turnOff(reason: string): void {
    if (this.state === 'off') return;
    this.state = 'off';
    this.reason = reason;
    this.#stopAwaiting();
    this.#events.lost(reason);
  }

  #lose(child: ChildProcess, started: number, reason: string): void {
    if (child !== this.#process) return;
    this.#process = undefined;
    this.#stopAwaiting();
    if (this.state === 'off') return;
    this.state = 'degraded';
    this.reason = `the encoder process ended (${reason})`;
    if (performance.now() - started > LONG_LIFE_MS) this.#pauseMs = FIRST_PAUSE_MS;
    this.#options.log?.(`${this.reason}; it starts again in ${this.#pauseMs} ms`);
    this.#restart = setTimeout(() => this.#start(), this.#pauseMs);
    this.#applyHold();
    this.#pauseMs = Math.min(LONGEST_PAUSE_MS, this.#pauseMs * 2);
    this.#events.lost(this.reason);
  }

  /** A clock that runs from the first question since it was last heard: who only asks more does not set it back. */
  #awaitWord(): void {
    if (this.state === 'off') return;
    this.#silence ??= setTimeout(() => this.#process?.kill('SIGKILL'), SILENCE_MS).unref();
  }

  #stopAwaiting(): void {
    clearTimeout(this.#silence);
    this.#silence = undefined;
  }

  #applyHold(): void {
    const child = this.#process;
    for (const handle of [child, child?.channel, this.#restart]) this.#isHeld ? handle?.ref() : handle?.unref();
    // A pipe has it, though the type does not say so.
    (child?.stderr as { unref?(): void } | null)?.unref?.();
  }
}
