import { Failure } from './failure.ts';
import { headersFor } from './headers.ts';
import { LineSplitter } from './lines.ts';
import { asLine, type Id, isAnswer, isObject, isRequest, type Message } from './message.ts';
import { networkFailure } from './network.ts';
import { refusalFailure } from './rejection.ts';
import type { Target } from './target.ts';

/** One message on its way. */
export interface Post {
  message: Message;
  /** The message as it was written, which is what is sent. */
  body: string;
  target: Target;
  bridge: { version: string; negotiated?: string | undefined };
  fetch: typeof fetch;
  signal: AbortSignal;
  /** Called when a stream shows a sign of life, so that a long one does not run into the timeout. */
  onAlive: () => void;
  /** Takes each message that comes back, as the line to write. */
  deliver: (line: string, message: Message) => void;
}

/** No single line of an event stream is longer; beyond, it is dropped and the request fails. */
const eventBytesMax = 64 * 1024 * 1024;

/** Sends a message once and delivers what comes back. Throws a `Failure` unless a request was answered. */
export async function post(sending: Post): Promise<void> {
  const { message, target } = sending;
  try {
    const response = await sending.fetch(target.endpoint, {
      method: 'POST',
      headers: headersFor(message, target, sending.bridge),
      body: sending.body,
      redirect: 'manual',
      signal: sending.signal,
    });
    if (!response.ok) await refuse(sending, response);
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
  const answer = parse(text);
  if (!isObject(answer) || !isAnswer(answer)) throw badAnswer(sending.target, response);
  sending.deliver(lineFor(answer, text, id), answer);
}

/** Forwards every message of an event stream; the one with our id is the answer. */
async function relayStream(sending: Post, response: Response, id: Id): Promise<void> {
  let answered = false;
  const relay = (data: string) => {
    const message = parse(data);
    if (!isObject(message)) return;
    if (!isAnswer(message)) return sending.deliver(asLine(data), message);
    if (answered) return;
    answered = true;
    sending.deliver(lineFor(message, data, id), message);
  };
  try {
    await readEvents(response, relay, sending.onAlive);
  } catch (error) {
    // Once the answer is there, it does not matter how the stream ends.
    if (!answered) throw error;
  }
  if (!answered)
    throw networkFailure({ code: 'stream_ended' }, sending.target, sending.message.method === 'tools/call');
}

/** Server-sent events: the `data:` lines up to an empty line are one message. */
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

async function refuse(sending: Post, response: Response): Promise<never> {
  const { message, target } = sending;
  // Without a body that can be read the status still says what is wrong.
  const text = await response.text().catch(() => '');
  const body = parse(text);
  const isRpc = isRequest(message) && isObject(body) && body.jsonrpc === '2.0' && isAnswer(body);
  throw refusalFailure(
    {
      status: response.status,
      body,
      retryAfter: response.headers.get('retry-after'),
      location: response.headers.get('location'),
      isCall: message.method === 'tools/call',
      rawAnswer: isRpc ? lineFor(body, text, message.id) : undefined,
    },
    target,
  );
}

/** The answer's own text when it names our id; an id that is null or missing is filled in. */
function lineFor(answer: Message, text: string, id: Id): string {
  return answer.id === id ? asLine(text) : asLine(JSON.stringify({ ...answer, id }));
}

async function discard(response: Response): Promise<void> {
  if (mediaType(response) === 'text/event-stream') await response.body?.cancel();
  else await response.arrayBuffer();
}

function badAnswer(target: Target, response: Response): Failure {
  const what = mediaType(response) || 'no content';
  return new Failure(
    'bad_answer',
    `What answers at ${target.base}/mcp is not WhiteMagic (${what} instead of a JSON-RPC answer). Check WHITEMAGIC_URL.`,
    {
      status: response.status,
      code: 'bad_answer',
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
