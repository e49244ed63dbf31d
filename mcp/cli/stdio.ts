import type { Readable, Writable } from 'node:stream';
import { errorLine, Failure, failureLine } from './bridge/failure.ts';
import { type Line, LineSplitter } from './bridge/lines.ts';
import { isAnswer, isObject, isRequest, type Message } from './bridge/message.ts';
import { post } from './bridge/post.ts';
import { defaultRetryBudget, type RetryBudget, withRetry } from './bridge/retry.ts';
import { resolveTarget, type Settings } from './bridge/target.ts';

/** What a bridge needs from the process it runs in. Its parts stand in `cli/bridge`, which is published with the command. */
export interface BridgeOptions {
  input: Readable;
  output: Writable;
  /** Asked for every attempt, so that a service started later (and the key it writes then) is found. */
  settings: () => Settings;
  /** Of the bridge, for `User-Agent`. */
  version: string;
  log: (line: string) => void;
  fetch?: typeof fetch;
  /** Ends the bridge at once. */
  signal?: AbortSignal;
  /** Of a whole request; in an event stream, of silence. */
  timeoutMs?: number;
  retry?: Partial<RetryBudget>;
  lineBytesMax?: number;
  /** How long requests under way may go on once the input ended. */
  drainMs?: number;
}

/**
 * Forwards each line of `input` as one POST to `<url>/mcp` and writes what comes back to `output`, one JSON-RPC message
 * a line, nothing else. Every request is answered: what the service cannot answer, the bridge does with a sentence.
 * It keeps no session, so a service that was away and comes back simply works again. Resolves when the input has
 * ended, the output is gone or `signal` fires; never rejects.
 */
export async function runBridge(options: BridgeOptions): Promise<void> {
  await new Bridge(options).run();
}

class Bridge {
  readonly #options: BridgeOptions;
  readonly #retry: RetryBudget;
  readonly #timeoutMs: number;
  readonly #lineBytesMax: number;
  readonly #aborts = new Map<string, AbortController>();
  readonly #underWay = new Map<Promise<void>, AbortController>();
  /** The version that `initialize` agreed on; the service keeps no session, so the bridge says it each time. */
  #negotiated: string | undefined;
  #blocked = false;
  #over = false;

  constructor(options: BridgeOptions) {
    this.#options = options;
    this.#retry = { ...defaultRetryBudget, ...options.retry };
    this.#timeoutMs = options.timeoutMs ?? 60_000;
    this.#lineBytesMax = options.lineBytesMax ?? 8 * 1024 * 1024;
  }

  async run(): Promise<void> {
    const drainMs = this.#options.drainMs ?? 2_000;
    if ((await this.#untilTheEnd()) === 'input') {
      await within(
        drainMs,
        Promise.all(this.#underWay.keys()).then(() => this.#flush()),
      );
    }
    this.#over = true;
    for (const abort of this.#underWay.values()) abort.abort('over');
  }

  #untilTheEnd(): Promise<'input' | 'output' | 'signal'> {
    const { input, output, signal } = this.#options;
    const lines = new LineSplitter(this.#lineBytesMax, (line) => this.#take(line));
    return new Promise((resolve) => {
      output.on('error', () => resolve('output'));
      output.on('close', () => resolve('output'));
      input.on('data', (chunk: Buffer) => lines.push(chunk));
      input.on('error', () => resolve('input'));
      input.on('end', () => lines.end());
      input.on('close', () => resolve('input'));
      input.on('end', () => resolve('input'));
      if (signal?.aborted) resolve('signal');
      signal?.addEventListener('abort', () => resolve('signal'), { once: true });
    });
  }

  #take(line: Line): void {
    if (!('text' in line)) {
      const tooLong = `A message may have ${this.#lineBytesMax / 1024 / 1024} MiB at most; this one was not sent.`;
      if (line.refused === 'too_long') this.#write(errorLine(line.id, -32600, tooLong));
      else this.#write(errorLine(line.id, -32700, 'The message is not valid UTF-8; it was not sent.'));
      return;
    }
    const text = line.text.replace(/^\uFEFF/, '');
    if (text.trim() === '') return;
    const message = parseMessage(text);
    if (typeof message === 'string') this.#write(message);
    else if (message.method === 'notifications/cancelled') this.#cancel(message.params?.requestId);
    else this.#start(message, text);
  }

  /** Cancelling over HTTP is to hang up. The cancelled request gets no answer. */
  #cancel(requestId: unknown): void {
    const key = JSON.stringify(requestId);
    this.#aborts.get(key)?.abort('cancelled');
    this.#options.log(`cancelled ${key}`);
  }

  #start(message: Message, text: string): void {
    const abort = new AbortController();
    const key = isRequest(message) ? JSON.stringify(message.id) : undefined;
    if (key) this.#aborts.set(key, abort);
    const done = this.#forward(message, text, abort).finally(() => {
      this.#underWay.delete(done);
      if (key && this.#aborts.get(key) === abort) this.#aborts.delete(key);
    });
    this.#underWay.set(done, abort);
  }

  async #forward(message: Message, text: string, abort: AbortController): Promise<void> {
    const began = Date.now();
    const name = `${message.method ?? 'answer'} ${isRequest(message) ? JSON.stringify(message.id) : ''}`;
    const timer = setTimeout(() => abort.abort('timeout'), this.#timeoutMs);
    try {
      await withRetry(
        message.method ?? '',
        () => this.#attempt(message, text, abort, timer),
        this.#retry,
        abort.signal,
      );
      this.#options.log(`${name}: ${Date.now() - began} ms`);
    } catch (error) {
      const failure = this.#failureOf(error, message, abort.signal);
      this.#options.log(`${name}: ${failure?.message ?? abort.signal.reason} (${Date.now() - began} ms)`);
      if (failure && isRequest(message)) this.#write(failureLine(message, failure));
    } finally {
      clearTimeout(timer);
    }
  }

  async #attempt(message: Message, text: string, abort: AbortController, timer: NodeJS.Timeout): Promise<void> {
    await post({
      message,
      body: text,
      target: resolveTarget(this.#options.settings()),
      bridge: { version: this.#options.version, negotiated: this.#negotiated },
      fetch: this.#options.fetch ?? fetch,
      signal: abort.signal,
      onAlive: () => timer.refresh(),
      deliver: (line, answer) => {
        if (abort.signal.aborted) return;
        if (message.method === 'initialize') this.#remember(answer);
        this.#write(line);
      },
    });
  }

  #remember(answer: Message): void {
    const version = isObject(answer.result) ? answer.result.protocolVersion : undefined;
    if (typeof version === 'string') this.#negotiated = version;
  }

  /** What to tell the client; nothing if it no longer waits. */
  #failureOf(error: unknown, message: Message, signal: AbortSignal): Failure | undefined {
    if (signal.aborted && signal.reason !== 'timeout') return undefined;
    if (error instanceof Failure) return error;
    if (!signal.aborted) {
      // A mistake of the bridge itself: answered like any failure, since the client would wait for ever.
      return new Failure('bad_answer', 'The WhiteMagic bridge failed on this message.', { code: 'bridge_error' });
    }
    const doubt =
      message.method === 'tools/call' ? ' The call may have been carried out: look before repeating it.' : '';
    const sentence = `WhiteMagic did not answer within ${this.#timeoutMs / 1000} s.${doubt}`;
    return new Failure('timeout', sentence, { code: 'timeout' });
  }

  /** While the client does not read, nothing more is taken from it, so that answers cannot pile up. */
  #write(line: string): void {
    const { input, output } = this.#options;
    if (this.#over || output.destroyed || output.write(`${line}\n`) || this.#blocked) return;
    this.#blocked = true;
    input.pause();
    output.once('drain', () => {
      this.#blocked = false;
      input.resume();
    });
  }

  #flush(): Promise<void> {
    return new Promise((resolve) => this.#options.output.write('', () => resolve()));
  }
}

/** The one message that a line is, or the error line that says why it is none. */
function parseMessage(text: string): Message | string {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return errorLine(null, -32700, 'The line is not valid JSON.');
  }
  if (Array.isArray(value)) return errorLine(null, -32600, 'MCP has no batches any more: send one message a line.');
  if (!isObject(value)) return errorLine(null, -32600, 'A message is a JSON object.');
  const message: Message = value;
  const isNotification = typeof message.method === 'string' && message.id === undefined;
  if (isNotification || isRequest(message) || isAnswer(message)) return message;
  const id = typeof message.id === 'string' || typeof message.id === 'number' ? message.id : null;
  return errorLine(id, -32600, 'A request has a method and an id that is a string or a number.');
}

async function within(ms: number, work: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  await Promise.race([work, new Promise((resolve) => (timer = setTimeout(resolve, ms)))]);
  clearTimeout(timer);
}
