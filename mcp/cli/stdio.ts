import type { Readable, Writable } from 'node:stream';
import { errorLine, Failure, failureLine } from './bridge/failure.ts';
import { clientOf } from './bridge/headers.ts';
import { type Line, LineSplitter } from './bridge/lines.ts';
import { isObject, isRequest, isResponse, type Message } from './bridge/message.ts';
import { post } from './bridge/post.ts';
import { defaultRetryBudget, type RetryBudget, withRetry } from './bridge/retry.ts';
import { RootsRequest } from './bridge/roots.ts';
import { resolveTarget, type Settings } from './bridge/target.ts';

/** Options of a bridge. */
export interface BridgeOptions {
  input: Readable;
  output: Writable;
  /** Called for every attempt, so that a service started later, and the key it writes then, are found. */
  settings: () => Settings;
  /** Version of the bridge, for `User-Agent`. */
  version: string;
  log: (line: string) => void;
  fetch?: typeof fetch;
  /** Called with the workspace folders (`file://`) of a client that lists them. Without it, the client is not asked. */
  onRoots?: (uris: unknown[]) => void;
  /** Stops the bridge at once. */
  signal?: AbortSignal;
  /** Maximum duration of a request, or of a pause in an event stream. */
  timeoutMs?: number;
  retry?: Partial<RetryBudget>;
  lineBytesMax?: number;
  /** How long pending requests may continue after the end of the input. */
  drainMs?: number;
}

/**
 * Forwards each line of `input` as one POST to `<url>/mcp` and writes the responses to `output`, one JSON-RPC message per
 * line and nothing else. Every request gets a response: if the service sends none, the bridge returns an error. There is
 * no session, so the bridge works again after a restart of the service. Resolves when the input has ended, the output is
 * closed or `signal` fires; never rejects.
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
  readonly #pending = new Map<Promise<void>, AbortController>();
  /** Protocol version negotiated by `initialize`. The service keeps no session, so each request repeats it. */
  #negotiated: string | undefined;
  /** Client that this bridge serves, from its `initialize`. */
  #client: string | undefined;
  readonly #roots: RootsRequest | undefined;
  #blocked = false;
  #ended = false;

  constructor(options: BridgeOptions) {
    this.#options = options;
    this.#retry = { ...defaultRetryBudget, ...options.retry };
    this.#timeoutMs = options.timeoutMs ?? 60_000;
    this.#lineBytesMax = options.lineBytesMax ?? 8 * 1024 * 1024;
    if (options.onRoots) this.#roots = new RootsRequest((line) => this.#write(line), options.onRoots);
  }

  async run(): Promise<void> {
    const drainMs = this.#options.drainMs ?? 2_000;
    if ((await this.#waitForEnd()) === 'input') {
      await withTimeout(
        drainMs,
        Promise.all(this.#pending.keys()).then(() => this.#flush()),
      );
    }
    this.#ended = true;
    for (const abort of this.#pending.values()) abort.abort('ended');
  }

  #waitForEnd(): Promise<'input' | 'output' | 'signal'> {
    const { input, output, signal } = this.#options;
    const lines = new LineSplitter(this.#lineBytesMax, (line) => this.#handleLine(line));
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

  #handleLine(line: Line): void {
    if (!('text' in line)) {
      const tooLong = `The message was not sent: it is larger than ${this.#lineBytesMax / 1024 / 1024} MiB.`;
      if (line.error === 'too_long') this.#write(errorLine(line.id, -32600, tooLong));
      else this.#write(errorLine(line.id, -32700, 'The message was not sent: it is not valid UTF-8.'));
      return;
    }
    const text = line.text.replace(/^\uFEFF/, '');
    if (text.trim() === '') return;
    const message = parseMessage(text);
    if (typeof message === 'string') this.#write(message);
    else if (message.method === 'notifications/cancelled') this.#cancel(message.params?.requestId);
    else if (!this.#roots?.takes(message)) this.#start(message, text);
  }

  /** Cancels a request by closing its connection. It gets no response. */
  #cancel(requestId: unknown): void {
    const key = JSON.stringify(requestId);
    this.#aborts.get(key)?.abort('cancelled');
    this.#options.log(`cancelled ${key}`);
  }

  #start(message: Message, text: string): void {
    this.#client = clientOf(message) ?? this.#client;
    const abort = new AbortController();
    const key = isRequest(message) ? JSON.stringify(message.id) : undefined;
    if (key) this.#aborts.set(key, abort);
    const done = this.#forward(message, text, abort).finally(() => {
      this.#pending.delete(done);
      if (key && this.#aborts.get(key) === abort) this.#aborts.delete(key);
    });
    this.#pending.set(done, abort);
  }

  async #forward(message: Message, text: string, abort: AbortController): Promise<void> {
    const began = Date.now();
    const name = `${message.method ?? 'response'} ${isRequest(message) ? JSON.stringify(message.id) : ''}`;
    const timer = setTimeout(() => abort.abort('timeout'), this.#timeoutMs);
    try {
      if (isRequest(message)) await this.#roots?.settled(message.method);
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
      bridge: { version: this.#options.version, negotiated: this.#negotiated, client: this.#client },
      fetch: this.#options.fetch ?? fetch,
      signal: abort.signal,
      onAlive: () => timer.refresh(),
      deliver: (line, response) => {
        if (abort.signal.aborted) return;
        if (message.method === 'initialize') this.#rememberVersion(response);
        this.#write(line);
      },
    });
  }

  #rememberVersion(response: Message): void {
    const version = isObject(response.result) ? response.result.protocolVersion : undefined;
    if (typeof version === 'string') this.#negotiated = version;
  }

  /** Returns the failure to report, or undefined if the client no longer waits. */
  #failureOf(error: unknown, message: Message, signal: AbortSignal): Failure | undefined {
    if (signal.aborted && signal.reason !== 'timeout') return undefined;
    if (error instanceof Failure) return error;
    if (!signal.aborted) {
      // A bug in the bridge: reported like any failure, since the client would otherwise wait forever.
      return new Failure('bad_response', 'The WhiteMagic bridge failed on this message.', { code: 'bridge_error' });
    }
    const doubt =
      message.method === 'tools/call' ? ' The call may have been carried out: look before repeating it.' : '';
    const text = `WhiteMagic did not respond within ${this.#timeoutMs / 1000} s.${doubt}`;
    return new Failure('timeout', text, { code: 'timeout' });
  }

  /** Writes a line. While the client does not read its responses, the bridge reads no further input. */
  #write(line: string): void {
    const { input, output } = this.#options;
    if (this.#ended || output.destroyed || output.write(`${line}\n`) || this.#blocked) return;
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

/** Parses a line. Returns the message, or an error line if it is not a message. */
function parseMessage(text: string): Message | string {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return errorLine(null, -32700, 'The line is not valid JSON.');
  }
  if (Array.isArray(value))
    return errorLine(null, -32600, 'MCP no longer supports batches: send one message per line.');
  if (!isObject(value)) return errorLine(null, -32600, 'A message must be a JSON object.');
  const message: Message = value;
  const isNotification = typeof message.method === 'string' && message.id === undefined;
  if (isNotification || isRequest(message) || isResponse(message)) return message;
  const id = typeof message.id === 'string' || typeof message.id === 'number' ? message.id : null;
  return errorLine(id, -32600, 'A request must have a method, and an id that is a string or a number.');
}

async function withTimeout(ms: number, work: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  await Promise.race([work, new Promise((resolve) => (timer = setTimeout(resolve, ms)))]);
  clearTimeout(timer);
}
