import { type ApiError, ConnectionError, errorOf, TimeoutError, WhiteMagicError } from './errors.ts';

/** A call of the REST API, as the generated code declares it. */
export interface Operation {
  method: string;
  path: string;
  inPath: readonly string[];
  inQuery: readonly string[];
  returns: 'json' | 'text' | 'file';
  takesIdempotencyKey: boolean;
}

/** Options of one call. They take precedence over those of the client. */
export interface CallOptions {
  /** Makes a repeat of a write have no further effect for 24 hours. Default: a random one for each call, which its retries share. */
  idempotencyKey?: string;
  /** Aborts the call. */
  signal?: AbortSignal;
  timeoutMs?: number;
  maxRetries?: number;
}

/** Options of the client. */
export interface ClientOptions {
  /** Key of an account, `wm_…`. Only `plans.list`, `keys.leaked` and `device.*` work without one. */
  apiKey?: string;
  /** URL of the service, such as `https://memory.example.com`. */
  baseUrl: string;
  /** Default project of all calls about memories. */
  project?: string;
  /** Longest time to wait for a response. Default 60,000. */
  timeoutMs?: number;
  /** Number of repeats after a failed connection, 408, 429, 500, 502, 503 or 504. Default 2. */
  maxRetries?: number;
  /** Longest `Retry-After` to wait for, in seconds; a longer one is thrown. Default 30. */
  maxRetryAfterSeconds?: number;
  /** Replaces the global `fetch`. */
  fetch?: typeof globalThis.fetch;
}

const RETRIED = new Set([408, 429, 500, 502, 503, 504]);
const FIRST_DELAY_MS = 250;
const DELAY_MAX_MS = 8_000;
const AGENT = 'whitemagic-typescript/0.1.0';

/** Sends calls: builds the request, retries, and converts error responses to errors. */
export class Transport {
  readonly #options: ClientOptions;
  readonly #baseUrl: string;
  readonly #fetch: typeof globalThis.fetch;

  constructor(options: ClientOptions) {
    this.#options = options;
    this.#baseUrl = options.baseUrl.replace(/\/+$/, '');
    if (!URL.canParse(this.#baseUrl)) throw new WhiteMagicError(`baseUrl: "${options.baseUrl}" is not a URL.`);
    this.#fetch = options.fetch ?? globalThis.fetch.bind(globalThis);
  }

  /**
   * Executes a call.
   * @throws ApiError for an error response, ConnectionError without a response, and the signal's reason when it aborts
   */
  async call<Output>(operation: Operation, input: object, options: CallOptions = {}): Promise<Output> {
    const [url, body] = this.#locate(operation, input as Record<string, unknown>);
    const headers = this.#headers(operation, body, options);
    const maxRetries = options.maxRetries ?? this.#options.maxRetries ?? 2;
    for (let attempt = 0; ; attempt++) {
      const outcome = await this.#attempt(url, { method: operation.method, headers, ...body }, options);
      if (outcome instanceof Response && outcome.ok) return read<Output>(operation, outcome);
      const error = outcome instanceof Response ? await errorOf(outcome) : outcome;
      const delayMs = attempt < maxRetries ? this.#retryDelayMs(error, attempt) : undefined;
      if (delayMs === undefined) throw error;
      await sleep(delayMs, options.signal);
    }
  }

  /** Sends a request. Returns the error if there is no response. */
  async #attempt(url: string, init: RequestInit, options: CallOptions): Promise<Response | ConnectionError> {
    const timeoutMs = options.timeoutMs ?? this.#options.timeoutMs ?? 60_000;
    const timeout = AbortSignal.timeout(timeoutMs);
    const signal = options.signal ? AbortSignal.any([options.signal, timeout]) : timeout;
    try {
      return await this.#fetch(url, { ...init, signal });
    } catch (cause) {
      if (options.signal?.aborted) throw options.signal.reason;
      if (timeout.aborted) return new TimeoutError(`No response within ${timeoutMs} ms.`, { cause });
      const { message } =
        (cause as Error).cause instanceof Error ? ((cause as Error).cause as Error) : (cause as Error);
      return new ConnectionError(`${this.#baseUrl} cannot be reached: ${message}`, { cause });
    }
  }

  /** Returns the URL of a call, and its body. */
  #locate({ path, inPath, inQuery, method }: Operation, input: Record<string, unknown>): [string, { body?: string }] {
    const rest = { ...input };
    const filled = path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(String(input[name])));
    for (const name of inPath) delete rest[name];
    const query = new URLSearchParams();
    for (const name of inQuery) {
      if (rest[name] !== undefined) query.set(name, queryValue(rest[name]));
      delete rest[name];
    }
    const url = `${this.#baseUrl}${filled}${query.size > 0 ? `?${query}` : ''}`;
    return [url, method === 'GET' || method === 'DELETE' ? {} : { body: JSON.stringify(rest) }];
  }

  #headers({ takesIdempotencyKey }: Operation, { body }: { body?: string }, options: CallOptions) {
    const { apiKey, project } = this.#options;
    return {
      'User-Agent': AGENT,
      ...(apiKey && { Authorization: `Bearer ${apiKey}` }),
      ...(project !== undefined && { 'X-WhiteMagic-Project': project }),
      ...(body !== undefined && { 'Content-Type': 'application/json' }),
      ...(takesIdempotencyKey && { 'Idempotency-Key': options.idempotencyKey ?? crypto.randomUUID() }),
    };
  }

  /** Returns the time to wait before the next attempt; undefined if there should be none. */
  #retryDelayMs(error: ApiError | ConnectionError, attempt: number): number | undefined {
    const backoffMs = Math.min(FIRST_DELAY_MS * 2 ** attempt, DELAY_MAX_MS) * (0.5 + Math.random() / 2);
    if (error instanceof ConnectionError) return backoffMs;
    if (!RETRIED.has(error.status)) return undefined;
    const { retryAfterSeconds = 0 } = error;
    if (retryAfterSeconds > (this.#options.maxRetryAfterSeconds ?? 30)) return undefined;
    return Math.max(backoffMs, retryAfterSeconds * 1000);
  }
}

/** The first page of a list when it is awaited; the results of all pages when it is iterated over. */
export class Paged<Page extends { next_cursor: string | null; results: Item[] }, Item>
  extends Promise<Page>
  implements AsyncIterable<Item>
{
  /** `then` returns a plain promise. */
  static override get [Symbol.species]() {
    return Promise;
  }

  readonly #fetchPage: (cursor?: string) => Promise<Page>;

  constructor(fetchPage: (cursor?: string) => Promise<Page>) {
    super((resolve, reject) => fetchPage().then(resolve, reject));
    this.#fetchPage = fetchPage;
  }

  /** Iterates over pages. */
  async *pages(): AsyncGenerator<Page, void> {
    let next: Promise<Page> | undefined = this;
    while (next) {
      const page: Page = await next;
      yield page;
      next = page.next_cursor === null ? undefined : this.#fetchPage(page.next_cursor);
    }
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Item, void> {
    for await (const page of this.pages()) yield* page.results;
  }
}

/** Writes a value as a query parameter: lists and objects as JSON, null as an empty text. */
function queryValue(value: unknown): string {
  if (value === null) return '';
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

async function read<Output>({ returns }: Operation, response: Response): Promise<Output> {
  if (returns === 'file') return response as Output;
  return (returns === 'text' ? await response.text() : await response.json()) as Output;
}

function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const onAbort = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', onAbort);
      resolve();
    }, ms);
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}
