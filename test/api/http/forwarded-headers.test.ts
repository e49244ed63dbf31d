import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Writable } from 'node:stream';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ServiceConfig } from '../../../api/bootstrap.ts';
import { warnOfTlsWithoutProxy, warnOfUntrustedProxy } from '../../../api/http/middleware/forwarded-headers.ts';
import { requireTls } from '../../../api/http/middleware/require-tls.ts';
import { expectProblem } from '../../support/openapi.ts';
import { sendRaw } from '../../support/raw-http.ts';
import { startTestService, type TestService } from '../../support/service.ts';

/** A log that keeps its lines. */
function keptLog() {
  const lines: string[] = [];
  const stream = new Writable({
    write(chunk, _encoding, done) {
      lines.push(JSON.parse(String(chunk)).msg);
      done();
    },
  });
  return { log: pino({}, stream), lines };
}

/** Passes a request with these headers through the middleware. */
async function pass(middleware: ReturnType<typeof warnOfUntrustedProxy>, headers: Record<string, string>) {
  const ctx = { get: (name: string) => headers[name] ?? '', req: { socket: { remoteAddress: '192.0.2.1' } } };
  await middleware(ctx as never, async () => undefined);
}

describe('headers of a proxy that is not trusted', () => {
  it.each(['X-Forwarded-For', 'X-Forwarded-Host', 'X-Forwarded-Proto', 'Forwarded', 'X-Real-IP'])(
    '%s is logged once, with what to set',
    async (header) => {
      const { log, lines } = keptLog();
      const middleware = warnOfUntrustedProxy(log);
      await pass(middleware, {});
      expect(lines).toEqual([]);
      for (let n = 0; n < 5; n++) await pass(middleware, { [header]: '203.0.113.1' });
      expect(lines).toEqual([expect.stringContaining(`${header}, and TRUST_PROXY is 0`)]);
    },
  );

  it('are expected at the start when PUBLIC_URL begins with https:', () => {
    const { log, lines } = keptLog();
    warnOfTlsWithoutProxy(log, { publicUrl: undefined, trustProxy: 0 });
    warnOfTlsWithoutProxy(log, { publicUrl: 'http://memory.example.com', trustProxy: 0 });
    warnOfTlsWithoutProxy(log, { publicUrl: 'https://memory.example.com', trustProxy: 1 });
    expect(lines).toEqual([]);
    warnOfTlsWithoutProxy(log, { publicUrl: 'https://memory.example.com', trustProxy: 0 });
    expect(lines).toEqual([expect.stringContaining('set TRUST_PROXY')]);
  });
});

describe('a service behind a proxy', () => {
  const nodes: TestService[] = [];
  const listeners: string[] = [];
  const start = async (settings: Partial<ServiceConfig>) => {
    const port = await freePort();
    nodes.push(await startTestService({ publicUrl: 'https://memory.example.com', port, ...settings }));
    listeners.push(`http://127.0.0.1:${port}`);
  };
  beforeAll(async () => {
    await start({});
    await start({ trustProxy: 1, databaseUrl: (nodes[0] as TestService).databaseUrl });
  });
  afterAll(async () => {
    for (const node of nodes.toReversed()) await node.stop();
  });

  it('takes the host name of X-Forwarded-Host only where a proxy is trusted', async () => {
    const [direct, behindProxy] = listeners as [string, string];
    const get = (url: string, headers: Record<string, string>) => sendRaw(url, { path: '/openapi.json', headers });
    const rebound = { Host: 'evil.example', 'X-Forwarded-Host': 'memory.example.com' };
    expectProblem(await get(direct, rebound), 403, 'host_not_allowed');
    expect((await get(behindProxy, rebound)).status).toBe(200);
    const forwarded = { Host: 'memory.example.com', 'X-Forwarded-Host': 'evil.example' };
    expect((await get(direct, forwarded)).status).toBe(200);
    expectProblem(await get(behindProxy, forwarded), 403, 'host_not_allowed');
  });

  it('redirects pages from plain HTTP to https, and rejects everything else', async () => {
    const [direct, behindProxy] = listeners as [string, string];
    const { apiKey } = await (nodes[1] as TestService).newUser();
    const send = (url: string, path: string, headers: Record<string, string>, method = 'GET') =>
      sendRaw(url, { path, method, headers: { Host: 'memory.example.com', ...headers } });
    const plain = { 'X-Forwarded-Proto': 'http' };
    const page = await send(behindProxy, '/legal/terms?a=b', plain);
    expect([page.status, page.headers.get('location')]).toEqual([308, 'https://memory.example.com/legal/terms?a=b']);
    expect(page.headers.get('strict-transport-security')).toBeNull();
    // Neither another scheme nor another host can be had by the path.
    expect((await send(behindProxy, '//evil.example/x', plain)).headers.get('location')).toMatch(
      /^https:\/\/memory\.example\.com\//,
    );
    const keyHeaders: Record<string, string>[] = [{ Authorization: `Bearer ${apiKey}` }, { 'X-API-Key': apiKey }];
    for (const headers of keyHeaders) {
      const rejected = await send(behindProxy, '/api/v1/memories', { ...plain, ...headers });
      expectProblem(rejected, 403, 'tls_required');
      expect(rejected.body.detail).toBe('Use https://memory.example.com. The key was sent unencrypted: replace it.');
    }
    expectProblem(await send(behindProxy, '/mcp', plain, 'POST'), 403, 'tls_required');
    expect((await send(behindProxy, '/health', plain)).status).toBe(200);

    const secure = await send(behindProxy, '/api/v1/user/me', {
      'X-Forwarded-Proto': 'https',
      Authorization: `Bearer ${apiKey}`,
    });
    expect([secure.status, secure.headers.get('strict-transport-security')]).toEqual([200, 'max-age=31536000']);
    // A caller's own header says nothing where no proxy is trusted.
    expect((await send(direct, '/legal/terms', plain)).status).toBe(200);
  });

  it('logs the displayed parts of a key that was sent over plain HTTP, and not the key', async () => {
    const lines: Record<string, unknown>[] = [];
    const log = { warn: (fields: Record<string, unknown>, msg: string) => lines.push({ ...fields, msg }) };
    const middleware = requireTls({ publicUrl: () => 'https://memory.example.com', log: log as never });
    const headers: Record<string, string> = {
      'X-Forwarded-Proto': 'http',
      'X-API-Key': `wm_live_${'a'.repeat(28)}wxyz`,
    };
    const ctx = {
      app: { proxy: true },
      method: 'GET',
      state: { requestId: 'r' },
      get: (name: string) => headers[name] ?? '',
    };
    await expect(middleware(ctx as never, async () => undefined)).rejects.toThrow();
    expect(lines).toEqual([
      { key_prefix: 'wm_live_', key_last4: 'wxyz', request_id: 'r', msg: expect.stringContaining('over plain HTTP') },
    ]);
  });
});

/** Returns a port without a listener. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
