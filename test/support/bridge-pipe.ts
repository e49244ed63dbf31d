import { PassThrough } from 'node:stream';
import { type BridgeOptions, runBridge } from '../../mcp/cli/stdio.ts';

/** A JSON-RPC message of the bridge. */
export interface JsonRpcMessage {
  jsonrpc: string;
  id: unknown;
  method?: string;
  params?: Record<string, unknown>;
  result?: { isError?: boolean; content?: { text: string }[]; [name: string]: unknown };
  error?: { code: number; message: string; data?: Record<string, unknown> };
}

/** A bridge in the test's process, on streams of the test. */
export class PipedBridge {
  readonly input = new PassThrough();
  readonly output: PassThrough;
  readonly log: string[] = [];
  /** Lines of its output. */
  readonly lines: string[] = [];
  readonly ended: Promise<number>;
  #incompleteLine = '';
  #waiting: (() => void)[] = [];

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

  /** Writes a message, or a text unchanged. */
  send(message: object | string | Buffer): void {
    const isRaw = typeof message === 'string' || Buffer.isBuffer(message);
    this.input.write(isRaw ? message : `${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
  }

  /** Sends a request and waits for its response. */
  async ask(
    method: string,
    params: object = {},
    id: string | number = Math.floor(Math.random() * 1e9),
  ): Promise<JsonRpcMessage> {
    this.send({ id, method, params });
    return this.answerTo(id);
  }

  /** Calls a tool. Returns the text of its result. */
  async call(name = 'echo'): Promise<{ text: string | undefined; isError: boolean | undefined }> {
    const { result } = await this.ask('tools/call', { name, arguments: {} });
    return { text: result?.content?.[0]?.text, isError: result?.isError };
  }

  async answerTo(id: unknown): Promise<JsonRpcMessage> {
    for (;;) {
      const found = this.messages().find((message) => message.id === id && message.method === undefined);
      if (found) return found;
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  messages(): JsonRpcMessage[] {
    return this.lines.map((line) => JSON.parse(line) as JsonRpcMessage);
  }

  async end(): Promise<number> {
    this.input.end();
    return this.ended;
  }

  #take(text: string): void {
    const lines = (this.#incompleteLine + text).split('\n');
    this.#incompleteLine = lines.pop() ?? '';
    this.lines.push(...lines);
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}

/** Waits until a condition is true. @throws Error that names the condition after `timeoutMs` */
export async function until(what: string, condition: () => boolean, timeoutMs = 5_000): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`timed out: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
