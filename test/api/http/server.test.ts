import { once } from 'node:events';
import { Agent, get, type IncomingMessage } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { respondToClientError } from '../../../api/http/client-error.ts';
import { createHttpServer, type HttpServer } from '../../../api/http/server.ts';
import { startTestService, type TestService, type TestUser } from '../../support/service.ts';
import { eventsOf } from '../../support/usage.ts';

const sockets: Socket[] = [];
const agent = new Agent({ keepAlive: true });
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
});
afterAll(() => agent.destroy());

/** Opens a connection and collects what arrives. `end` resolves with all of it once the connection is closed. */
async function open(url: string): Promise<{ socket: Socket; end: Promise<string> }> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  sockets.push(socket);
  let text = '';
  socket.setEncoding('utf8').on('data', (chunk) => {
    text += chunk;
  });
  socket.on('error', () => undefined);
  const end = new Promise<string>((resolve) => socket.once('close', () => resolve(text)));
  await once(socket, 'connect');
  return { socket, end };
}

/** Sends a GET over a connection that is kept. */
async function read(
  url: string,
): Promise<{ status: number | undefined; headers: IncomingMessage['headers']; text: string }> {
  const [response] = (await once(get(url, { agent }), 'response')) as [IncomingMessage];
  let text = '';
  for await (const chunk of response.setEncoding('utf8')) text += chunk;
  return { status: response.statusCode, headers: response.headers, text };
}

describe('HTTP server › time limits', () => {
  it('suit a proxy that keeps idle connections for 60 s', () => {
    const { server } = createHttpServer(() => undefined);
    expect(server.keepAliveTimeout).toBeGreaterThan(60_000);
    expect(server.headersTimeout).toBeGreaterThan(server.keepAliveTimeout);
    expect(server.requestTimeout).toBeGreaterThan(server.headersTimeout);
    expect(server.requestTimeout).toBeLessThan(120_000);
  });

  it('are reported as 408 by Node’s checks', async () => {
    let written = '';
    const socket = { writable: true, end: (text: string) => (written = text) } as unknown as Socket;
    const error = Object.assign(new Error('timeout'), { code: 'ERR_HTTP_REQUEST_TIMEOUT' });
    respondToClientError(
      () => 'id',
      () => 'http://localhost',
    )(error, socket);
    expect(written).toMatch(/^HTTP\/1\.1 408 Request Timeout\r\n/);
    expect(written).toContain('"code":"request_timeout"');
  });
});

describe('HTTP server › slow bodies', () => {
  let node: TestService;
  let user: TestUser;
  beforeAll(async () => {
    node = await startTestService({ bodyMs: 300 });
    user = await node.newUser();
  });
  afterAll(() => node.stop());

  /** Sends the head of a POST and a byte of its body every 50 ms, until the connection is closed. */
  async function trickle(path: string, headers: Record<string, string>): Promise<string> {
    const { socket, end } = await open(node.url);
    const lines = Object.entries({ Host: '127.0.0.1', 'Content-Length': '1000', ...headers });
    socket.write(`POST ${path} HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n{`);
    const timer = setInterval(() => socket.write(' '), 50);
    return end.finally(() => clearInterval(timer));
  }

  it.each([
    ['/api/v1/memories', 'application/json'],
    ['/mcp', 'application/json'],
    ['/webhooks/github/secret-scanning', 'application/json'],
    ['/claim/new', 'application/x-www-form-urlencoded'],
  ])('are cut at %s with 408, although bytes keep coming', async (path, type) => {
    const headers = { Authorization: `Bearer ${user.apiKey}`, 'Content-Type': type };
    const response = await trickle(path, headers);
    expect(response).toMatch(/^HTTP\/1\.1 408 Request Timeout\r\n/);
    expect(response).toMatch(/\r\nConnection: close\r\n/i);
    expect(response).toContain('"code":"request_timeout"');
  });

  it('are metered', async () => {
    const owner = await node.newUser();
    await trickle('/api/v1/memories', { Authorization: `Bearer ${owner.apiKey}`, 'Content-Type': 'application/json' });
    expect((await eventsOf(node, owner.userId)).map(({ status }) => status)).toEqual([408]);
  });

  it('do not keep other requests waiting', async () => {
    const slow = Array.from({ length: 50 }, () =>
      trickle('/api/v1/memories', { Authorization: `Bearer ${user.apiKey}`, 'Content-Type': 'application/json' }),
    );
    expect((await user.api.post('/memories', { title: 'T', content: 'quick' })).status).toBe(201);
    for (const response of await Promise.all(slow)) expect(response).toMatch(/^HTTP\/1\.1 408 /);
  });
});

describe('HTTP server › stopping', () => {
  let http: HttpServer;
  let url: string;
  let finish: () => void;

  async function start(): Promise<void> {
    const held = new Promise<void>((resolve) => {
      finish = resolve;
    });
    http = createHttpServer(async (request, response) => {
      if (request.url === '/slow') await held;
      if (request.url !== '/never') response.end(request.url);
    });
    await new Promise<void>((resolve) => http.server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(http.server.address() as AddressInfo).port}`;
  }

  it('completes open requests, and accepts no new connections', async () => {
    await start();
    const slow = read(`${url}/slow`);
    await sleep(50);
    const stopped = http.stop(0);
    await sleep(50);
    await expect(open(url)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    finish();
    expect(await slow).toMatchObject({ status: 200, text: '/slow' });
    await stopped;
  });

  it('serves a connection that was accepted just before', async () => {
    await start();
    const { socket, end } = await open(url);
    await read(url);
    const stopped = http.stop(0);
    await sleep(50);
    socket.write('GET /late HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n');
    expect(await end).toContain('/late');
    await stopped;
  });

  it('closes idle connections and those that never send a whole request, at once', async () => {
    await start();
    await read(url);
    const loris = await Promise.all(Array.from({ length: 30 }, () => open(url)));
    for (const { socket } of loris) socket.write('GET / HTTP/1.1\r\nHost: loc');
    const started = performance.now();
    await http.stop(0);
    expect(performance.now() - started).toBeLessThan(5_000);
    await Promise.all(loris.map(({ end }) => end));
  });

  it('closes requests that do not finish in time', async () => {
    await start();
    const { socket, end } = await open(url);
    socket.write('GET /never HTTP/1.1\r\nHost: localhost\r\n\r\n');
    await sleep(50);
    await http.stop(0, 200);
    expect(await end).toBe('');
  });
});

describe('a service that stops', () => {
  it('is not ready first, serves for the grace period, and closes the connection of each response', async () => {
    const node = await startTestService({ shutdownGraceMs: 1_500 });
    const user = await node.newUser();
    expect((await read(`${node.url}/ready`)).headers.connection).toBe('keep-alive');
    const stopped = node.stop();
    await sleep(20);
    const ready = await read(`${node.url}/ready`);
    expect([ready.status, JSON.parse(ready.text)]).toEqual([
      503,
      expect.objectContaining({ ready: false, stopping: true }),
    ]);
    expect(ready.headers.connection).toBe('close');
    expect((await read(`${node.url}/health`)).status).toBe(200);
    expect((await user.api.post('/memories', { title: 'T', content: 'late' })).status).toBe(201);
    await stopped;
    await expect(read(`${node.url}/health`)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });
});
