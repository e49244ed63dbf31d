import { randomUUID } from 'node:crypto';
import type { Readable, Writable } from 'node:stream';
import { errorLine, Failure, failureLine } from './bridge/failure.ts';
import { clientOf } from './bridge/headers.ts';
import { type Line, LineSplitter } from './bridge/lines.ts';
import { isObject, isRequest, isResponse, type Message } from './bridge/message.ts';
import { networkFailure } from './bridge/network.ts';
import { type Post, post } from './bridge/post.ts';
import { defaultRetryBudget, type RetryBudget, withRetry } from './bridge/retry.ts';
import { RootsRequest } from './bridge/roots.ts';
import { type Clocks, SleepWatch } from './bridge/sleep-watch.ts';
import { resolveTarget, type Settings, type Target } from './bridge/target.ts';
import { proxiedFetch } from './proxied-fetch.ts';

/** A message and how it is sent. */
type Sending = Pick<Post, 'message' | 'body' | 'idempotencyKey'>;

/** Code of an attempt that was given up because its connection is from before the computer slept. */
const STALE = 'connection_asleep';
const STALE_MS = 5_000;

/** Options of a bridge. */
export interface BridgeOptions {
  input: Readable;
  output: Writable;
  /** Called for every attempt, so that a service started later, and the key it writes then, are found. */
  settings: () => Settings;
  /** Version of the bridge, for `User-Agent`. */
  version: string;
  log: (line: string) => void;
  /** Reports to a person that the connection to the service begins or ceases to fail. */
  say?: (line: string) => void;
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
  /** Clocks by which the bridge notices that the computer has slept. */
  clocks?: Clocks;
}

/**
 * Forwards each line of `input` as one POST to `<url>/mcp` and writes the responses to `output`, one JSON-RPC message per
 * line and nothing else. Every request gets a response: if the service sends none, the bridge returns an error. There is
 * no session, so the bridge works again after a restart of the service. Resolves when the input has ended, the output is
 * closed or `signal` fires; never rejects.
 * @returns how many requests got no response of the service because the input ended
 */
export async function runBridge(options: BridgeOptions): Promise<number> {
  return new Bridge(options).run();
}

class Bridge {
  readonly #options: BridgeOptions;
  readonly #retry: RetryBudget;
  readonly #timeoutMs: number;
  readonly #lineBytesMax: number;
  readonly #aborts = new Map<string, AbortController>();
  readonly #pending = new Map<Promise<void>, AbortController>();
  /** Attempts that wait for the service. */
  readonly #attempts = new Set<AbortController>();
  readonly #sleep: SleepWatch;
  /** Protocol version negotiated by `initialize`. The service keeps no session, so each request repeats it. */
  #negotiated: string | undefined;
  /** Client that this bridge serves, from its `initialize`. */
  #client: string | undefined;
  readonly #roots: RootsRequest | undefined;
  /** Message of the failure that was reported last. */
  #trouble: string | undefined;
  #blocked = false;
  #ended = false;

  constructor(options: BridgeOptions) {
    this.#options = options;
    this.#retry = { ...defaultRetryBudget, ...options.retry };
    this.#timeoutMs = options.timeoutMs ?? 60_000;
    this.#lineBytesMax = options.lineBytesMax ?? 8 * 1024 * 1024;
    this.#sleep = new SleepWatch(() => this.#reconnect(), options.clocks);
    if (options.onRoots) this.#roots = new RootsRequest((line) => this.#write(line), options.onRoots);
  }

  async run(): Promise<number> {
    const drainMs = this.#options.drainMs ?? 2_000;
    const end = await this.#waitForEnd();
    if (end === 'input') await withTimeout(drainMs, Promise.all(this.#pending.keys()));
    const unanswered = end === 'input' ? this.#pending.size : 0;
    if (end !== 'input') this.#ended = true;
    for (const abort of this.#pending.values()) abort.abort('ended');
    if (end === 'input')
      await withTimeout(
        drainMs,
        Promise.all(this.#pending.keys()).then(() => this.#flush()),
      );
    this.#ended = true;
    this.#sleep.stop();
    return unanswered;
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

  /** Repeats what waits on connections from before the computer slept. */
  #reconnect(): void {
    this.#options.log(`the computer has slept: ${this.#attempts.size} requests are sent again`);
    for (const attempt of this.#attempts) attempt.abort(STALE);
  }

  #start(message: Message, text: string): void {
    this.#sleep.check();
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
    const idempotencyKey = message.method === 'tools/call' ? randomUUID() : undefined;
    try {
      if (isRequest(message)) await this.#roots?.settled(message.method);
      await withRetry(
        message.method ?? '',
        () => this.#attempt({ message, body: text, idempotencyKey }, abort, timer),
        this.#retry,
        abort.signal,
      );
      this.#options.log(`${name}: ${Date.now() - began} ms`);
      this.#report(undefined);
    } catch (error) {
      const failure = this.#failureOf(error, message, abort.signal);
      this.#options.log(`${name}: ${failure?.message ?? abort.signal.reason} (${Date.now() - began} ms)`);
      if (failure && isTrouble(failure)) this.#report(failure.message);
      if (failure && isRequest(message)) this.#write(failureLine(message, failure));
    } finally {
      clearTimeout(timer);
    }
  }

  /** Sends a message once; a second time where the key has been replaced meanwhile. */
  async #attempt(sending: Sending, abort: AbortController, timer: NodeJS.Timeout): Promise<void> {
    const target = resolveTarget(this.#options.settings(), 'ide');
    try {
      await this.#post(sending, target, abort, timer);
    } catch (error) {
      if (!(error instanceof Failure) || error.details.status !== 401) throw error;
      const renewed = resolveTarget(this.#options.settings(), 'ide');
      if (renewed.key === target.key) throw error;
      await this.#post(sending, renewed, abort, timer);
    }
  }

  async #post(sending: Sending, target: Target, abort: AbortController, timer: NodeJS.Timeout): Promise<void> {
    const { message } = sending;
    const attempt = new AbortController();
    this.#attempts.add(attempt);
    // Just after waking, a connection may be a dead one: a new one is tried soon.
    const soon = this.#sleep.hasJustWoken() ? setTimeout(() => attempt.abort(STALE), STALE_MS) : undefined;
    try {
      await post({
        ...sending,
        target,
        bridge: { version: this.#options.version, negotiated: this.#negotiated, client: this.#client },
        fetch: this.#options.fetch ?? proxiedFetch,
        signal: AbortSignal.any([abort.signal, attempt.signal]),
        onAlive: () => {
          timer.refresh();
          soon?.refresh();
        },
        deliver: (line, response) => {
          if (abort.signal.aborted) return;
          if (message.method === 'initialize') this.#rememberVersion(response);
          this.#write(line);
        },
      });
    } catch (error) {
      if (attempt.signal.aborted && !abort.signal.aborted)
        throw networkFailure({ code: STALE }, target, message.method === 'tools/call');
      throw error;
    } finally {
      clearTimeout(soon);
      this.#attempts.delete(attempt);
    }
  }

  /** Says what fails, once until it works again. */
  #report(trouble: string | undefined): void {
    if (trouble === this.#trouble) return;
    const { say = () => undefined } = this.#options;
    say(trouble ?? 'connected again');
    this.#trouble = trouble;
  }

  #rememberVersion(response: Message): void {
    const version = isObject(response.result) ? response.result.protocolVersion : undefined;
    if (typeof version === 'string') this.#negotiated = version;
  }

  /** Returns the failure to report, or undefined if the client no longer waits. */
  #failureOf(error: unknown, message: Message, signal: AbortSignal): Failure | undefined {
    if (signal.aborted && signal.reason === 'cancelled') return undefined;
    if (error instanceof Failure) return error;
    if (!signal.aborted) {
      // A bug in the bridge: reported like any failure, since the client would otherwise wait forever.
      return new Failure('bad_response', 'The WhiteMagic bridge failed on this message.', { code: 'bridge_error' });
    }
    const doubt =
      message.method === 'tools/call' ? ' The call may have been carried out: look before repeating it.' : '';
    const text =
      signal.reason === 'ended'
        ? `The bridge ended before WhiteMagic responded.${doubt}`
        : `WhiteMagic did not respond within ${this.#timeoutMs / 1000} s.${doubt}`;
    return new Failure('timeout', text, { code: String(signal.reason) });
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

/** Checks for a failure of the connection or the key, as opposed to a rejected call. */
function isTrouble({ kind, details: { status = 0 } }: Failure): boolean {
  return kind !== 'rejected' || status >= 500 || [401, 404, 407].includes(status);
}

async function withTimeout(ms: number, work: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  await Promise.race([work, new Promise((resolve) => (timer = setTimeout(resolve, ms)))]);
  clearTimeout(timer);
}
