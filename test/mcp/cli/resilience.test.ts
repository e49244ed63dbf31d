import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createServer, request as httpRequest } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { type AddressInfo, connect as connectTcp } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PipedBridge, until } from '../../support/bridge-pipe.ts';
import { cleanEnv, fromSource, Run } from '../../support/bridge-process.ts';
import { dropDatabase, freshDatabase } from '../../support/database.ts';
import { startTestService, type TestService, type TestUser } from '../../support/service.ts';
import { openTcpProxy, type TcpProxy } from '../../support/tcp-proxy.ts';

let databaseUrl: string;
let node: TestService;
let network: TcpProxy;
let user: TestUser;
let folder: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'wm-resilience-'));
  databaseUrl = await freshDatabase();
  node = await startTestService({ databaseUrl });
  network = await openTcpProxy(node.url);
  user = await node.newUser();
});
afterAll(async () => {
  await network.disconnect();
  await node.stop();
  await dropDatabase(databaseUrl);
  rmSync(folder, { recursive: true, force: true });
});

const remember = (content: string) => ({ name: 'create_memory', arguments: { content } });
const stored = async () => (await user.api.get('/memories?limit=100')).body.results as { content: string }[];

describe('bridge before a service that is restarted', () => {
  it.each(['2025-11-25', '2026-07-28'])(
    'stores each call of protocol %s once, though its first response is lost',
    async (version) => {
      const bridge = new PipedBridge(() => ({ url: network.url, key: user.apiKey }));
      const meta = version === '2026-07-28' ? modern : {};
      if (version !== '2026-07-28') {
        await bridge.ask('initialize', { protocolVersion: version, capabilities: {}, clientInfo: CLIENT });
      }
      const facts = Array.from({ length: 6 }, (_, n) => `Fact ${n} under protocol ${version}.`);
      // The service executes the calls, but no byte of its responses arrives.
      network.hold('');
      const calls = facts.map((fact) => bridge.ask('tools/call', { ...remember(fact), ...meta }));
      const mine = async () => (await stored()).filter(({ content }) => content.includes(version));
      await expect.poll(async () => (await mine()).length, { timeout: 20_000 }).toBe(facts.length);
      await network.disconnect();
      const port = Number(new URL(node.url).port);
      await node.stop();
      network.release();
      node = await startTestService({ databaseUrl, port });
      await network.reconnect();

      for (const { result } of await Promise.all(calls)) expect(result?.content?.[0]?.text).toMatch(/^Stored as /);
      expect((await mine()).map(({ content }) => content).sort()).toEqual(facts);
      const { results } = (await user.api.get('/user/usage')).body;
      const creates = results.find(({ endpoint }: { endpoint: string }) => endpoint === 'create_memory');
      expect(creates.calls).toBe((await stored()).length);
      expect(await bridge.end()).toBe(0);
    },
  );

  it('goes on with the new key when its key is rotated meanwhile', async () => {
    const made = (await user.api.post('/user/keys', { name: 'laptop' })).body;
    let key = made.api_key;
    const used: string[] = [];
    let rotated: string | undefined;
    const bridge = new PipedBridge(() => {
      used.push(key);
      const now = { url: network.url, key };
      // "whitemagic login" stores the new key while the call with the former one is on its way.
      key = rotated ?? key;
      return now;
    });
    expect((await bridge.ask('tools/call', remember('Before the rotation.'))).result?.isError).toBeFalsy();
    rotated = (await user.api.post('/user/keys', { name: 'laptop again' })).body.api_key;
    await user.api.delete(`/user/keys/${made.id}`);
    expect((await bridge.ask('tools/call', remember('After the rotation.'))).result?.isError).toBeFalsy();
    expect(used.slice(-2)).toEqual([made.api_key, rotated]);
    await bridge.end();
  });
});

describe('bridge process behind a proxy of a company', () => {
  it('reaches the service through HTTPS_PROXY with a CA of its own, and logs to a file without secrets', async () => {
    const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
    const subject = [
      '-subj',
      '/CN=memory.test',
      '-addext',
      'subjectAltName=DNS:memory.test',
      '-keyout',
      key,
      '-out',
      cert,
    ];
    const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256'];
    execFileSync('openssl', ['req', '-x509', '-nodes', ...curve, ...subject], { stdio: 'ignore' });
    const tls = createHttpsServer({ key: readFileSync(key), cert: readFileSync(cert) }, (request, response) => {
      const headers = { ...request.headers, host: new URL(node.url).host };
      const inner = httpRequest(node.url + request.url, { method: request.method ?? '', headers }, (received) => {
        response.writeHead(received.statusCode ?? 502, received.headers);
        received.pipe(response);
      });
      request.pipe(inner);
    }).listen(0, '127.0.0.1');
    await once(tls, 'listening');
    const tunnels: string[] = [];
    // It resolves the name, which does not exist outside.
    const proxy = createServer().on('connect', (request, socket, head) => {
      tunnels.push(`${request.url} ${Buffer.from(request.headers['proxy-authorization']?.slice(6) ?? '', 'base64')}`);
      const to = connectTcp((tls.address() as AddressInfo).port, '127.0.0.1', () => {
        socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
        to.write(head);
        socket
          .on('error', () => to.destroy())
          .pipe(to)
          .on('error', () => socket.destroy())
          .pipe(socket);
      });
    });
    proxy.listen(0, '127.0.0.1');
    await once(proxy, 'listening');

    const log = join(folder, 'bridge.log');
    const env = {
      WHITEMAGIC_URL: 'https://memory.test',
      WHITEMAGIC_API_KEY: user.apiKey,
      WHITEMAGIC_CONNECT_TIMEOUT_MS: '500',
      HTTPS_PROXY: Object.assign(new URL('http://127.0.0.1'), {
        port: String((proxy.address() as AddressInfo).port),
        username: 'ann',
        password: 'secret',
      }).href,
      NODE_EXTRA_CA_CERTS: cert,
    };
    const run = async (more: Record<string, string>, args: string[] = []) => {
      const bridge = new Run([...fromSource, 'mcp', ...args], cleanEnv({ ...env, ...more }), { cwd: '/' });
      bridge.send({
        id: 1,
        method: 'initialize',
        params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: CLIENT },
      });
      await until('it responds', () => bridge.answerTo(1) !== undefined, 30_000);
      bridge.send({ id: 2, method: 'tools/call', params: remember('Through the tunnel.') });
      await until('it responds', () => bridge.answerTo(2) !== undefined, 30_000);
      bridge.child.stdin.end();
      return { bridge, ...(await bridge.exited) };
    };
    const through = await run({}, ['--log-file', log]);
    expect(through.bridge.answerTo(2)?.result?.content?.[0]?.text).toMatch(/^Stored as /);
    expect(through).toMatchObject({ code: 0 });
    expect(tunnels[0]).toBe('memory.test:443 ann:secret');
    const text = readFileSync(log, 'utf8');
    expect(text).toMatch(
      /^\S+Z project none \(\/ is no workspace\)\n\S+Z initialize 1: \d+ ms\n\S+Z tools\/call 2: \d+ ms\n$/,
    );
    expect(statSync(log).mode & 0o777).toBe(0o600);

    const before = tunnels.length;
    const without = await run({ NO_PROXY: 'memory.test' });
    expect(tunnels).toHaveLength(before);
    expect(without.bridge.answerTo(2)?.result?.content?.[0]?.text).toMatch(
      /^WhiteMagic at https:\/\/memory\.test cannot be reached \((ENOTFOUND|EAI_AGAIN)\)\. Check WHITEMAGIC_URL and the network/,
    );
    expect(without.bridge.stderr).toMatch(
      /^whitemagic: WhiteMagic at https:\/\/memory\.test cannot be reached \(.*\n$/,
    );
    for (const server of [proxy, tls]) server.close().closeAllConnections();
  });
});

const CLIENT = { name: 'ide', version: '1.0.0' };
const modern = {
  _meta: {
    'io.modelcontextprotocol/protocolVersion': '2026-07-28',
    'io.modelcontextprotocol/clientInfo': CLIENT,
    'io.modelcontextprotocol/clientCapabilities': {},
  },
};
