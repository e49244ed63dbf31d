import { PassThrough } from 'node:stream';
import { type BridgeOptions, runBridge } from '../../mcp/cli/stdio.ts';

/** A JSON-RPC answer, loosely. */
export interface Answer {
  jsonrpc: string;
  id: unknown;
  method?: string;
  params?: Record<string, unknown>;
  result?: { isError?: boolean; content?: { text: string }[]; [name: string]: unknown };
  error?: { code: number; message: string; data?: Record<string, unknown> };
}

/** A bridge within the test's process, on streams that the test holds. */
export class PipedBridge {
  readonly input = new PassThrough();
  readonly output: PassThrough;
  readonly log: string[] = [];
  /** All that was written, line by line. */
  readonly lines: string[] = [];
  readonly ended: Promise<void>;
  #rest = '';
  #wake: (() => void)[] = [];

  constructor(settings: BridgeOptions['settings'] | string, options: Partial<BridgeOptions> = {}) {
    this.output = (options.output as PassThrough | undefined) ?? new PassThrough();
    if (!options.output) this.output.setEncoding('utf8').on('data', (text: string) => this.#take(text));
    this.ended = runBridge({
      input: this.input,
      output: this.output,
      settings: typeof settings === 'string' ? () => ({ url: settings, key: 'wm_test_key' }) : settings,
      version: '9.9.9',
      log: (line) => this.log.push(line),
      ...options,
    });
  }

  /** Writes a message, or a text as it is. */
  send(message: object | string | Buffer): void {
    const raw = typeof message === 'string' || Buffer.isBuffer(message);
    this.input.write(raw ? message : `${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
  }

  /** Sends a request and waits for its answer. */
  async ask(
    method: string,
    params: object = {},
    id: string | number = Math.floor(Math.random() * 1e9),
  ): Promise<Answer> {
    this.send({ id, method, params });
    return this.answerTo(id);
  }

  /** What a tool call came back with, as text. */
  async call(name = 'echo'): Promise<{ text: string | undefined; isError: boolean | undefined }> {
    const { result } = await this.ask('tools/call', { name, arguments: {} });
    return { text: result?.content?.[0]?.text, isError: result?.isError };
  }

  async answerTo(id: unknown): Promise<Answer> {
    for (;;) {
      const found = this.messages().find((message) => message.id === id && message.method === undefined);
      if (found) return found;
      await new Promise<void>((resolve) => this.#wake.push(resolve));
    }
  }

  messages(): Answer[] {
    return this.lines.map((line) => JSON.parse(line) as Answer);
  }

  async end(): Promise<void> {
    this.input.end();
    await this.ended;
  }

  #take(text: string): void {
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop() ?? '';
    this.lines.push(...lines);
    for (const wake of this.#wake.splice(0)) wake();
  }
}

/** Waits until something holds, and says what did not if it never does. */
export async function until(what: string, holds: () => boolean, timeoutMs = 5_000): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (!holds()) {
    if (Date.now() > deadline) throw new Error(`never happened: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
