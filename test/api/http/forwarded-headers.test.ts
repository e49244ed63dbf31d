import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Writable } from 'node:stream';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ServiceConfig } from '../../../api/bootstrap.ts';
import { warnOfTlsWithoutProxy, warnOfUntrustedProxy } from '../../../api/http/middleware/forwarded-headers.ts';
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

describe('X-Forwarded-Host', () => {
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

  it('replaces the host name only where a proxy is trusted', async () => {
    const [direct, behindProxy] = listeners as [string, string];
    const get = (url: string, headers: Record<string, string>) => sendRaw(url, { path: '/openapi.json', headers });
    const rebound = { Host: 'evil.example', 'X-Forwarded-Host': 'memory.example.com' };
    expectProblem(await get(direct, rebound), 403, 'host_not_allowed');
    expect((await get(behindProxy, rebound)).status).toBe(200);
    const forwarded = { Host: 'memory.example.com', 'X-Forwarded-Host': 'evil.example' };
    expect((await get(direct, forwarded)).status).toBe(200);
    expectProblem(await get(behindProxy, forwarded), 403, 'host_not_allowed');
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
