import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newSecret, signDelivery } from '../../../api/webhooks/signature.ts';
import { freePort } from '../../../db/embedded/free-port.ts';
import * as sdk from '../../../mcp/clients/typescript/src/index.ts';
import { generateClients } from '../../../scripts/sdk/generate.ts';
import type { Json } from '../../support/client.ts';
import { startTestService, type TestService, type TestUser } from '../../support/service.ts';

const ROOT = join(import.meta.dirname, '../../..');
const PYTHON = join(ROOT, 'mcp/clients/python');
/** Debian's interpreter, for which `.ci/run` installs httpx and pydantic. */
const python = process.env.WHITEMAGIC_TEST_PYTHON ?? '/usr/bin/python3';
const run = promisify(execFile);

let node: TestService;
let user: TestUser;
let client: sdk.WhiteMagic;

beforeAll(async () => {
  node = await startTestService();
  user = await node.newUser();
  client = new sdk.WhiteMagic({ baseUrl: node.url, apiKey: user.apiKey });
});
afterAll(() => node.stop());

/** Starts a server that responds to each request by its number, and records the idempotency keys. */
async function startFlaky(respond: (n: number, response: ServerResponse) => void) {
  const keys: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    keys.push(request.headers['idempotency-key'] as string | undefined);
    respond(keys.length, response);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, keys, stop: () => server.close() };
}

const environment = () => ({
  PATH: process.env.PATH,
  PYTHONPATH: PYTHON,
  PYTHONDONTWRITEBYTECODE: '1',
  WHITEMAGIC_URL: node.url,
  WHITEMAGIC_API_KEY: user.apiKey,
});
const runPython = async (...args: string[]) =>
  (await run(python, ['-W', 'error', ...args], { env: environment() })).stdout;

describe('generated files of the clients', () => {
  it('are what the served OpenAPI document gives (`npm run sdk` writes them)', async () => {
    const document = (await (await fetch(`${node.url}/openapi.json`)).json()) as Parameters<typeof generateClients>[0];
    const files = Object.entries(generateClients(document));
    expect(files).toHaveLength(5);
    for (const [path, text] of files) expect(readFileSync(join(ROOT, path), 'utf8') === text, path).toBe(true);
  });
});

describe('TypeScript client', () => {
  it('compiles to a package of which the quickstart runs', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'whitemagic-sdk-'));
    try {
      const project = join(ROOT, 'mcp/clients/typescript');
      const args = [join(ROOT, 'node_modules/typescript/bin/tsc'), '-p', project, '--outDir', join(folder, 'dist')];
      await run(process.execPath, args);
      const example = readFileSync(join(project, 'examples/quickstart.ts'), 'utf8');
      const script = example.replace('../src/index.ts', join(folder, 'dist/index.js')).replace(' as Error', '');
      const { stdout } = await run(process.execPath, ['--input-type=module', '-e', script], { env: environment() });
      expect(stdout.trim().split('\n')).toEqual([
        'We deploy on Fridays. ops deploy',
        expect.stringMatching(/^\d+ tokens of context true$/),
        '1 memories',
        'NotFoundError',
      ]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('iterates over all pages of a list, and awaits one', async () => {
    const memories = ['a', 'b', 'c'].map((content) => ({ content, project: 'pages' }));
    await client.memories.batch({ memories });
    const list = () => client.memories.list({ project: 'pages', limit: 2 });
    const titles: string[] = [];
    for await (const { title } of list()) titles.push(title);
    expect(titles).toEqual(['c', 'b', 'a']);
    const page = await list();
    expect([page.results.length, page.total, page.next_cursor]).toEqual([2, 3, expect.any(String)]);
  });

  it('throws an error of a class per status, with the fields that were wrong', async () => {
    const failure = (call: Promise<unknown>): Promise<Json> =>
      call.then(
        () => expect.fail('The call should fail.'),
        (error) => error,
      );
    const invalid = await failure(client.memories.create({ content: '' }));
    expect(invalid).toBeInstanceOf(sdk.InvalidRequestError);
    expect(invalid).toMatchObject({ status: 422, code: 'unprocessable', errors: [{ path: 'content' }] });
    expect(invalid.requestId).toMatch(/\S/);
    const stranger = new sdk.WhiteMagic({ baseUrl: node.url, apiKey: 'wm_test_unknown' });
    expect(await failure(stranger.user.me())).toBeInstanceOf(sdk.AuthenticationError);
    const { api_key: apiKey } = await client.keys.create({ name: 'reader', scopes: ['memories:read'] });
    const reader = new sdk.WhiteMagic({ baseUrl: node.url, apiKey });
    expect(await failure(reader.memories.create({ content: 'x' }))).toBeInstanceOf(sdk.PermissionDeniedError);
    const nowhere = new sdk.WhiteMagic({ baseUrl: `http://127.0.0.1:${await freePort()}`, maxRetries: 0 });
    expect(await failure(nowhere.plans.list())).toBeInstanceOf(sdk.ConnectionError);
  });

  it('repeats a write with its key, waits as told, and gives up where waiting is too long', async () => {
    const flaky = await startFlaky((n, response) => {
      if (n === 1) return response.destroy();
      if (n === 2) return response.writeHead(503, { 'Retry-After': '0' }).end('<html>');
      response.writeHead(n === 3 ? 201 : 429, { 'Retry-After': '3600' }).end(JSON.stringify({ id: 'stored' }));
    });
    const retrying = new sdk.WhiteMagic({ baseUrl: flaky.url });
    expect((await retrying.memories.create({ content: 'x' })).id).toBe('stored');
    expect(new Set(flaky.keys).size).toBe(1);
    const limited = await retrying.memories.create({ content: 'y' }).catch((error) => error);
    expect(limited).toBeInstanceOf(sdk.RateLimitError);
    expect([limited.retryAfterSeconds, flaky.keys.length]).toEqual([3600, 4]);
    flaky.stop();
  });

  it('verifies webhooks: the secret, each of several, the time', async () => {
    const [secret, other] = [newSecret(), newSecret()];
    const timestamp = Math.floor(Date.now() / 1000);
    const body = JSON.stringify({
      type: 'memory.deleted',
      timestamp: new Date().toISOString(),
      data: { id: 'a', version: 2 },
    });
    const headers = {
      'Webhook-Id': 'event-1',
      'webhook-timestamp': String(timestamp),
      'webhook-signature': signDelivery({ id: 'event-1', timestamp, body }, [secret]),
    };
    expect(await sdk.verifyWebhook(body, headers, [other, secret])).toMatchObject({ data: { version: 2 } });
    const late = { now: (timestamp + 301) * 1000 };
    const attempts = [
      () => sdk.verifyWebhook(body, headers, other),
      () => sdk.verifyWebhook(`${body} `, headers, secret),
      () => sdk.verifyWebhook(body, { ...headers, 'webhook-timestamp': 'soon' }, secret),
      () => sdk.verifyWebhook(body, headers, secret, late),
    ];
    for (const attempt of attempts) await expect(attempt()).rejects.toBeInstanceOf(sdk.WebhookVerificationError);
  });
});

describe('Python client', () => {
  it('runs its examples, synchronous and asynchronous', async () => {
    const [quickstart, asynchronous] = await Promise.all(
      ['quickstart', 'asynchronous'].map((name) => runPython(join(PYTHON, `examples/${name}.py`))),
    );
    expect(quickstart?.trim().split('\n')).toEqual([
      'We deploy on Fridays. ops deploy',
      expect.stringMatching(/^\d+ tokens of context True$/),
      expect.stringMatching(/^\d memories$/),
      'NotFoundError not_found',
    ]);
    expect(asynchronous?.trim()).toBe("['Releases are tagged.', 'Tests run on two cores.', 'The port is 8787.']");
  });

  it('repeats a write with its key, and raises typed errors', async () => {
    const flaky = await startFlaky((n, response) => {
      if (n === 1) return response.destroy();
      const created = { id: 'stored', version: 1, created_at: 'now', updated_at: 'now' };
      response.writeHead(n === 2 ? 201 : 429, { 'Retry-After': '3600' }).end(JSON.stringify(created));
    });
    const script = `
import os, whitemagic
flaky = whitemagic.WhiteMagic("${flaky.url}")
print(type(flaky.memories.create(content="x")).__name__)
try:
    flaky.memories.create(content="y")
except whitemagic.RateLimitError as error:
    print(error.retry_after_seconds)
client = whitemagic.WhiteMagic(os.environ["WHITEMAGIC_URL"], os.environ["WHITEMAGIC_API_KEY"])
try:
    client.memories.list(limit=1, metadata=[{"path": "", "in": []}])
except whitemagic.InvalidRequestError as error:
    print(error.code, bool(error.errors))
print(client.user.usage(group_by="month").plan.requests_this_month > 0)
for memory in client.memories.list(project=None, created_after="2020-01-01").results:
    client.memories.update(id=memory.id, project="moved")
print(client.memories.list(project="moved").total > 0)
`;
    const printed = (await runPython('-c', script)).trim().split('\n');
    expect(printed).toEqual(['MemoryReceipt', '3600.0', expect.stringMatching(/ True$/), 'True', 'True']);
    expect(flaky.keys[0]).toBe(flaky.keys[1]);
    flaky.stop();
  });

  it('receives webhooks: what is signed with the secret, and nothing else', async () => {
    const [port, secret] = [await freePort(), newSecret()];
    const env = { ...environment(), PORT: String(port), WEBHOOK_SECRET: secret };
    const receiver = spawn(python, [join(PYTHON, 'examples/webhook_receiver.py')], {
      env,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const timestamp = Math.floor(Date.now() / 1000);
    const body = JSON.stringify({
      type: 'memory.deleted',
      timestamp: new Date().toISOString(),
      data: { id: 'a', version: 2 },
    });
    const send = (signedWith: string) =>
      fetch(`http://127.0.0.1:${port}`, {
        method: 'POST',
        body,
        headers: {
          'webhook-id': 'event-1',
          'webhook-timestamp': String(timestamp),
          'webhook-signature': signDelivery({ id: 'event-1', timestamp, body }, [signedWith]),
        },
      }).then(
        ({ status }) => status,
        () => 0,
      );
    await expect.poll(() => send(newSecret()), { timeout: 20_000 }).toBe(401);
    const [printed, status] = await Promise.all([once(receiver.stdout, 'data'), send(secret)]);
    expect([String(printed[0]).trim(), status]).toEqual(['memory.deleted', 204]);
    receiver.kill();
  });
});
