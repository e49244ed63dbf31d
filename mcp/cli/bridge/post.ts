import { Failure } from './failure.ts';
import { type Bridge, headersFor } from './headers.ts';
import { LineSplitter } from './lines.ts';
import { asLine, type Id, isObject, isRequest, isResponse, type Message } from './message.ts';
import { networkFailure } from './network.ts';
import { httpFailure } from './rejection.ts';
import type { Target } from './target.ts';

/** A message to send. */
export interface Post {
  message: Message;
  /** The message as the client wrote it, which is sent unchanged. */
  body: string;
  target: Target;
  bridge: Bridge;
  /** Makes the service execute a call once, however often it is sent. */
  idempotencyKey?: string | undefined;
  fetch: typeof fetch;
  signal: AbortSignal;
  /** Called for each chunk of a stream, so that a long stream does not time out. */
  onAlive: () => void;
  /** Called with each message of the response, as the line to write. */
  deliver: (line: string, message: Message) => void;
}

/** Maximum of a line in an event stream. A longer line is dropped, and the request fails. */
const eventBytesMax = 64 * 1024 * 1024;

/** Sends a message once and delivers the response. Throws a `Failure` if a request gets none. */
export async function post(sending: Post): Promise<void> {
  const { message, target } = sending;
  try {
    const response = await sending.fetch(target.endpoint, {
      method: 'POST',
      headers: headersFor(message, target, sending.bridge, sending.idempotencyKey),
      body: sending.body,
      redirect: 'manual',
      signal: sending.signal,
    });
    if (!response.ok) await throwHttpFailure(sending, response);
    else if (!isRequest(message)) await discard(response);
    else if (mediaType(response) === 'text/event-stream') await relayStream(sending, response, message.id);
    else await relayBody(sending, response, message.id);
  } catch (error) {
    if (error instanceof Failure || sending.signal.aborted) throw error;
    throw networkFailure(error, target, message.method === 'tools/call');
  }
}

async function relayBody(sending: Post, response: Response, id: Id): Promise<void> {
  const text = await response.text();
  const reply = parse(text);
  if (!isObject(reply) || !isResponse(reply)) throw badResponse(sending.target, response);
  sending.deliver(lineFor(reply, text, id), reply);
}

/** Forwards every message of an event stream, up to and including the response. */
async function relayStream(sending: Post, response: Response, id: Id): Promise<void> {
  let hasResponse = false;
  const relay = (data: string) => {
    const message = parse(data);
    if (!isObject(message)) return;
    if (!isResponse(message)) return sending.deliver(asLine(data), message);
    if (hasResponse) return;
    hasResponse = true;
    sending.deliver(lineFor(message, data, id), message);
  };
  try {
    await readEvents(response, relay, sending.onAlive);
  } catch (error) {
    // After the response it does not matter how the stream ends.
    if (!hasResponse) throw error;
  }
  if (!hasResponse)
    throw networkFailure({ code: 'stream_ended' }, sending.target, sending.message.method === 'tools/call');
}

/** Reads server-sent events: the `data:` lines up to an empty line are one message. */
async function readEvents(response: Response, onData: (data: string) => void, onAlive: () => void): Promise<void> {
  let data: string[] = [];
  const lines = new LineSplitter(eventBytesMax, (line) => {
    if (!('text' in line)) return;
    if (line.text.startsWith('data:')) data.push(line.text.slice(5).replace(/^ /, ''));
    if (line.text !== '') return;
    if (data.length > 0) onData(data.join('\n'));
    data = [];
  });
  for await (const chunk of response.body ?? []) {
    onAlive();
    lines.push(Buffer.from(chunk));
  }
}

async function throwHttpFailure(sending: Post, response: Response): Promise<never> {
  const { message, target } = sending;
  // If the body cannot be read, the status alone describes the error.
  const text = await response.text().catch(() => '');
  const body = parse(text);
  const isRpc = isRequest(message) && isObject(body) && body.jsonrpc === '2.0' && isResponse(body);
  throw httpFailure(
    {
      status: response.status,
      body,
      retryAfter: response.headers.get('retry-after'),
      location: response.headers.get('location'),
      isCall: message.method === 'tools/call',
      rawResponse: isRpc ? lineFor(body, text, message.id) : undefined,
    },
    target,
  );
}

/** Returns the response as one line, with its id filled in where it is null or missing. */
function lineFor(reply: Message, text: string, id: Id): string {
  return reply.id === id ? asLine(text) : asLine(JSON.stringify({ ...reply, id }));
}

async function discard(response: Response): Promise<void> {
  if (mediaType(response) === 'text/event-stream') await response.body?.cancel();
  else await response.arrayBuffer();
}

function badResponse(target: Target, response: Response): Failure {
  const what = mediaType(response) || 'no content';
  return new Failure(
    'bad_response',
    `The service at ${target.base}/mcp is not WhiteMagic: it returned ${what} instead of a JSON-RPC response. Check WHITEMAGIC_URL.`,
    {
      status: response.status,
      code: 'bad_response',
    },
  );
}

function mediaType(response: Response): string {
  return (response.headers.get('content-type') ?? '').split(';')[0]?.trim().toLowerCase() ?? '';
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
