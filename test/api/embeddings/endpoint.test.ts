import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, describe, expect, it } from 'vitest';
import { EmbedderUnavailable, EmbeddingFailed } from '../../../api/embeddings/embedder.ts';
import { CircuitBreaker } from '../../../api/embeddings/endpoint/circuit-breaker.ts';
import { EndpointEmbedder, type EndpointOptions } from '../../../api/embeddings/endpoint/endpoint.ts';
import { openEmbedder } from '../../../api/embeddings/open.ts';
import { cosine } from './texts.ts';

interface Seen {
  url: string | undefined;
  headers: IncomingMessage['headers'];
  body: { model: string; input: string[]; dimensions?: number };
  at: number;
}

type Answer = (response: ServerResponse, inputs: string[]) => void;

const vectorFor = (input: string) => [input.length, 3, 4];

const good: Answer = (response, inputs) => {
  const data = inputs.map((input, index) => ({ object: 'embedding', index, embedding: vectorFor(input) }));
  // The protocol does not promise an order: `index` says which is which.
  response.setHeader('content-type', 'application/json').end(JSON.stringify({ object: 'list', data: data.reverse() }));
};

const status =
  (code: number, headers: Record<string, string> = {}): Answer =>
  (response) =>
    response.writeHead(code, headers).end('{"error":{"message":"secret detail"}}');

const closers: (() => unknown)[] = [];
afterEach(() => Promise.all(closers.splice(0).map((close) => close())));

/** An endpoint that gives the answers in turn, the last one for ever. */
async function endpoint(answers: Answer[], options: Partial<EndpointOptions> = {}) {
  const seen: Seen[] = [];
  const server = createServer(async (request, response) => {
    const body = JSON.parse(await text(request)) as Seen['body'];
    seen.push({ url: request.url, headers: request.headers, body, at: performance.now() });
    const answer = answers.length > 1 ? answers.shift() : answers[0];
    answer?.(response, body.input);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
  const embedder = new EndpointEmbedder({ url, key: 'sk-test', model: 'tiny', pauseMs: 10, ...options });
  closers.push(
    () => embedder.close(),
    () => server.closeAllConnections(),
    () => server.close(),
  );
  return { embedder, seen, url };
}

describe('endpoint embedder', () => {
  it('sends OpenAI requests and normalizes the vectors', async () => {
    const { embedder, seen } = await endpoint([good]);
    expect([embedder.model, embedder.dimensions, embedder.state]).toEqual(['openai:tiny@1', 0, 'ready']);
    const { vector } = await embedder.embedQuery('four');
    expect(cosine(vector, vector)).toBeCloseTo(1, 5);
    expect(embedder.dimensions).toBe(3);
    expect(seen[0]).toMatchObject({ url: '/v1/embeddings', headers: { authorization: 'Bearer sk-test' } });
    expect(seen[0]?.body).toEqual({ model: 'tiny', input: ['four'] });
  });

  it('sends 100 texts in four requests and assigns each text its vector', async () => {
    const { embedder, seen } = await endpoint([good]);
    const texts = Array.from({ length: 100 }, (_, i) => 'x'.repeat(i + 1));
    const chunks = await embedder.embedDocuments(['', ...texts]);
    expect(seen.map(({ body }) => body.input.length).sort()).toEqual([32, 32, 32, 4]);
    expect(chunks[0]).toEqual([]);
    for (const [index, [chunk]] of chunks.slice(1).entries()) {
      expect(chunk).toMatchObject({ start: 0, end: index + 1 });
      expect((chunk?.vector[0] ?? 0) / (chunk?.vector[1] ?? 1)).toBeCloseTo((index + 1) / 3, 3);
    }
  });

  it('splits long texts into passages, shorter ones for dense scripts', async () => {
    const { embedder, seen } = await endpoint([good]);
    const long = 'word '.repeat(2_000);
    const [latin, chinese] = await embedder.embedDocuments([long, '数据库'.repeat(700)]);
    expect(latin?.at(-1)?.end).toBe(long.length);
    expect([latin?.length, chinese?.length]).toEqual([6, 4]);
    expect(Math.max(...seen.flatMap(({ body }) => body.input.map((input) => input.length)))).toBeLessThanOrEqual(2_000);
  });

  it('retries after a 429, not before Retry-After', async () => {
    const { embedder, seen } = await endpoint([status(429, { 'retry-after': '1' }), good]);
    await embedder.embedQuery('later');
    expect((seen[1]?.at ?? 0) - (seen[0]?.at ?? 0)).toBeGreaterThanOrEqual(990);
    expect(embedder.reason).toBeUndefined();
  });

  it('gives up when Retry-After exceeds the time limit of a query', async () => {
    const { embedder, seen } = await endpoint([status(503, { 'retry-after': '15' })], { queryMs: 100 });
    await expect(embedder.embedQuery('x')).rejects.toThrow(EmbedderUnavailable);
    expect(seen).toHaveLength(1);
  });

  it('stops requests after five failures and reports degraded', async () => {
    const said: string[] = [];
    const { embedder, seen } = await endpoint([status(500)], { log: (message) => said.push(message) });
    await expect(embedder.embedDocuments(['a'])).rejects.toThrow('the endpoint returned 500');
    expect(seen).toHaveLength(4);
    await expect(embedder.embedDocuments(['a'])).rejects.toThrow(EmbedderUnavailable);
    expect([seen.length, embedder.state, embedder.reason]).toEqual([5, 'degraded', 'the endpoint returned 500']);
    await expect(embedder.embedQuery('a')).rejects.toThrow(EmbedderUnavailable);
    expect(seen).toHaveLength(5);
    expect(said).toEqual(['Embedding requests fail and are paused: the endpoint returned 500']);
  });

  it('aborts a query at its deadline', async () => {
    const silent: Answer = () => {};
    const { embedder } = await endpoint([silent, silent, good], { queryMs: 80, timeoutMs: 80 });
    await expect(embedder.embedQuery('x')).rejects.toThrow('the endpoint took more than 80 ms');
    // A document's request is tried again.
    expect(await embedder.embedDocuments(['x'])).toHaveLength(1);
  });

  it('tries documents that take too long twice, and once where the caller repeats them', async () => {
    const { embedder, seen } = await endpoint([() => {}], { timeoutMs: 40 });
    await expect(embedder.embedDocuments(['x'])).rejects.toThrow(EmbeddingFailed);
    expect(seen).toHaveLength(2);
    await expect(embedder.embedDocuments(['x'], { once: true })).rejects.toThrow('the endpoint took more than 40 ms');
    expect(seen).toHaveLength(3);
  });

  it('blames no text when the endpoint asks for a pause', async () => {
    const { embedder } = await endpoint([status(429, { 'retry-after': '60' })]);
    const error = await embedder.embedDocuments(['x']).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(EmbedderUnavailable);
    expect(error).not.toBeInstanceOf(EmbeddingFailed);
  });

  it.each([400, 401, 404])('does not retry a %i, and hides the response text', async (code) => {
    const { embedder, seen } = await endpoint([status(code)]);
    const error = (await embedder.embedQuery('x').catch((error: unknown) => error)) as Error;
    expect(error).toBeInstanceOf(EmbedderUnavailable);
    expect(error.message).toBe(`the endpoint returned ${code}`);
    expect(seen).toHaveLength(1);
  });

  it.each<[string, unknown]>([
    ['another dimension', { data: [{ index: 0, embedding: [1, 2] }] }],
    ['too few vectors', { data: [] }],
    ['numbers that are none', { data: [{ index: 0, embedding: [1, null, 2] }] }],
    ['another index', { data: [{ index: 5, embedding: [1, 2, 3] }] }],
    ['something else', 'hello'],
  ])('rejects a response with %s', async (_, answer) => {
    const bad: Answer = (response) => response.end(JSON.stringify(answer));
    const { embedder } = await endpoint([good, bad]);
    await embedder.embedQuery('x');
    await expect(embedder.embedQuery('x')).rejects.toThrow(EmbedderUnavailable);
  });

  it('rejects vectors that do not have the requested dimensions', async () => {
    const { embedder, seen } = await endpoint([good], { dimensions: 256 });
    expect(embedder.model).toBe('openai:tiny:256@1');
    await expect(embedder.embedQuery('x')).rejects.toThrow('vectors of 3 numbers instead of 256');
    expect(seen[0]?.body.dimensions).toBe(256);
  });

  it('follows no redirect and accepts only http(s) URLs', async () => {
    const other = await endpoint([good]);
    const { embedder } = await endpoint([status(307, { location: `${other.url}/embeddings` })], { queryMs: 300 });
    await expect(embedder.embedQuery('x')).rejects.toThrow(EmbedderUnavailable);
    expect(other.seen).toHaveLength(0);
    expect(() => new EndpointEmbedder({ url: 'file:///etc/passwd', model: 'm' })).toThrow('not an http(s) URL');
  });

  it('stops on the signal of the caller and on close', async () => {
    const { embedder } = await endpoint([() => {}]);
    const controller = new AbortController();
    const query = embedder.embedQuery('x', controller.signal);
    controller.abort(new Error('gone'));
    await expect(query).rejects.toThrow('gone');
    const documents = embedder.embedDocuments(['x']);
    await embedder.close();
    await expect(documents).rejects.toThrow('closed');
    await expect(embedder.embedQuery('x')).rejects.toThrow(EmbedderUnavailable);
    expect(embedder.state).toBe('disabled');
  });
});

describe('circuit breaker', () => {
  it('lets one trial through after its pause, and doubles the pause if the trial fails', () => {
    let now = 0;
    const breaker = new CircuitBreaker(() => now);
    for (let i = 0; i < 5; i++) breaker.failed('down');
    expect(breaker.admits()).toBe(false);
    now = 5_000;
    expect([breaker.admits(), breaker.admits()]).toEqual([true, false]);
    breaker.failed('still down');
    now = 14_999;
    expect(breaker.admits()).toBe(false);
    now = 15_000;
    expect(breaker.admits()).toBe(true);
    breaker.gaveUp();
    expect(breaker.admits()).toBe(true);
    breaker.succeeded();
    expect([breaker.isOpen, breaker.reason, breaker.admits(), breaker.admits()]).toEqual([
      false,
      undefined,
      true,
      true,
    ]);
  });
});

describe('openEmbedder', () => {
  it('opens the configured embedder', async () => {
    const none = openEmbedder({ embedder: 'none' });
    expect([none.state, none.reason]).toEqual(['disabled', 'EMBEDDER is none']);
    await expect(none.embedQuery('x')).rejects.toThrow(EmbedderUnavailable);
    expect(openEmbedder({ embedder: 'openai', model: 'm', dimensions: 8 })).toMatchObject({ model: 'openai:m:8@1' });
    const local = openEmbedder({ embedder: 'local' });
    expect(local).toMatchObject({ model: 'local:all-MiniLM-L6-v2-int8@1', dimensions: 384, state: 'loading' });
    await local.close();
  });
});
