import { type ChildProcess, fork } from 'node:child_process';
import { programBeside } from '../../program-beside.ts';
import type { EmbedderState } from '../embedder.ts';
import type { FromEncoder, ToEncoder } from './messages.ts';

/** Callbacks of the encoder process. */
interface EncoderEvents {
  ready(): void;
  message(message: FromEncoder): void;
  /** The process ended or cannot run: pending messages get no reply. */
  lost(reason: string): void;
}

interface EncoderChildOptions {
  modelFolder: string;
  threads: number;
  /** Node options of the process; for tests. */
  execArgv?: readonly string[];
  /** Time after which a silent process is killed while it works. Default 20,000. */
  silenceMs?: number;
  log?: (message: string) => void;
  /** Called when the process is started again. */
  onRestart?: () => void;
}

const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 30_000;
/** A process that ran this long resets the restart pause. */
const LONG_LIFE_MS = 60_000;
/** Loading takes 0.5 s, so a process that has not loaded after this time hangs. */
const LOADING_MS_MAX = 60_000;
/** A passage takes 0.1 s at most and is reported, so a process that is silent for this long while it works hangs. */
const SILENCE_MS_MAX = 20_000;

/** Keeps one encoder process running. Restarts it when it ends, with exponential back-off. */
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

  /** Sends a message; call it only while `ready`. Each message gets a reply, or `lost` is called. */
  send(message: ToEncoder): void {
    this.#process?.send(message, () => {});
    this.#startSilenceTimeout();
  }

  /** Sets whether a reply is awaited. Only then does the child keep the service's process alive. */
  hold(isHeld: boolean): void {
    if (isHeld === this.#isHeld) return;
    this.#isHeld = isHeld;
    this.#applyHold();
  }

  /** Stops the process permanently. */
  async close(): Promise<void> {
    clearTimeout(this.#restart);
    this.#disable('closed');
    const child = this.#process;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.ref();
    // It has no state to save, and a graceful stop would wait for the current passage.
    child.kill('SIGKILL');
    await ended;
  }

  #start(): void {
    const { modelFolder, threads, execArgv = [] } = this.#options;
    const program = programBeside(import.meta.url, 'encoder-process');
    const child = fork(program.file, [modelFolder, String(threads)], {
      serialization: 'advanced',
      // The heap stays small: the model is outside of it.
      execArgv: ['--max-old-space-size=256', '--expose-gc', ...program.execArgv, ...execArgv],
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    const started = performance.now();
    let stderrTail = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      stderrTail = (stderrTail + text).slice(-2_000);
    });
    child.on('message', (message: FromEncoder) => this.#receive(message));
    child.once('error', (error) => {
      // With a pid the process was started, and 'exit' reports its end.
      if (child.pid === undefined) this.#handleExit(child, started, error.message);
    });
    child.once('exit', (code, signal) => {
      this.#handleExit(child, started, `${signal ?? `exit code ${code}`} ${stderrTail}`.trim());
    });
    this.#process = child;
    this.#applyHold();
    this.#startSilenceTimeout();
  }

  #receive(message: FromEncoder): void {
    this.#clearSilenceTimeout();
    if (message.type === 'unusable') {
      this.#options.log?.(`Semantic search is disabled: ${message.reason}`);
      this.#disable(message.reason);
    } else if (message.type === 'ready') {
      if (this.state === 'disabled') return;
      this.state = 'ready';
      this.reason = undefined;
      this.#events.ready();
    } else if (message.type !== 'progress') this.#events.message(message);
    if (this.#isHeld) this.#startSilenceTimeout();
  }

  #disable(reason: string): void {
    if (this.state === 'disabled') return;
    this.state = 'disabled';
    this.reason = reason;
    this.#clearSilenceTimeout();
    this.#events.lost(reason);
  }

  #handleExit(child: ChildProcess, started: number, reason: string): void {
    if (child !== this.#process) return;
    this.#process = undefined;
    this.#clearSilenceTimeout();
    if (this.state === 'disabled') return;
    this.state = 'degraded';
    this.reason = `the encoder process ended (${reason})`;
    if (performance.now() - started > LONG_LIFE_MS) this.#pauseMs = FIRST_PAUSE_MS;
    this.#options.log?.(`${this.reason}; restarting in ${this.#pauseMs} ms`);
    this.#options.onRestart?.();
    this.#restart = setTimeout(() => this.#start(), this.#pauseMs);
    this.#applyHold();
    this.#pauseMs = Math.min(LONGEST_PAUSE_MS, this.#pauseMs * 2);
    this.#events.lost(this.reason);
  }

  /** Starts the silence timeout with the first message after a reply; further messages do not extend it. */
  #startSilenceTimeout(): void {
    if (this.state === 'disabled') return;
    const { silenceMs = SILENCE_MS_MAX } = this.#options;
    const ms = this.state === 'ready' ? silenceMs : LOADING_MS_MAX;
    this.#silence ??= setTimeout(() => this.#process?.kill('SIGKILL'), ms).unref();
  }

  #clearSilenceTimeout(): void {
    clearTimeout(this.#silence);
    this.#silence = undefined;
  }

  #applyHold(): void {
    const child = this.#process;
    for (const handle of [child, child?.channel, this.#restart]) this.#isHeld ? handle?.ref() : handle?.unref();
    // The pipe has `unref`, although its type does not declare it.
    (child?.stderr as { unref?(): void } | null)?.unref?.();
  }
}
