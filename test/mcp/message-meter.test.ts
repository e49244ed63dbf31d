import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import Router from '@koa/router';
import fc from 'fast-check';
import Koa from 'koa';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Problem } from '../../api/errors.ts';
import { errorHandler } from '../../api/http/middleware/error-handler.ts';
import { requestLog } from '../../api/http/middleware/request-log.ts';
import { newId } from '../../api/ids.ts';
import { generateKey } from '../../api/keys/key-format.ts';
import { localLimiter } from '../../api/limits/local-limiter.ts';
import { createLog } from '../../api/observability/log.ts';
import { createMetrics } from '../../api/observability/metrics.ts';
import type { PipelineDependencies } from '../../api/pipeline/dependencies.ts';
import { createClientNames } from '../../api/usage/client-names.ts';
import { mountMcp } from '../../mcp/http.ts';
import { TOOLS } from '../../mcp/registry.ts';
import { RESOURCES } from '../../mcp/resources.ts';

const apiKey = generateKey('test');
let recorded = 0;
let charged = 0;
let url: string;
let server: Server;

/** A pipeline whose database is lost, so that every operation fails after it was limited, and that counts what it records and charges. */
function countingPipeline(): PipelineDependencies {
  const counter = localLimiter(async () => 0);
  const owner = {
    user_id: 'u',
    key_id: 'k',
    scopes: ['read', 'write'],
    plan: 'enterprise',
    status: 'active',
    rpm_limit: null,
    expires_at: null,
    revoked_at: null,
    last_used_at: new Date(),
    overrides: { requests_per_minute: 1e9, requests_per_day: 1e9 },
  };
  const lost = () => Promise.reject(new Problem('unavailable'));
  return {
    database: { read: () => ({ query: lost, batch: lost }), shared: () => ({ query: lost, batch: lost }), write: lost },
    keys: { find: async () => owner, knows: () => true, forget: () => undefined, onChange: () => undefined },
    limiter: {
      ...counter,
      consume: (policies: Parameters<typeof counter.consume>[0], cost: { minute: number; day: number }) => {
        if (policies[0]?.name === 'protocol') charged += cost.minute;
        return counter.consume(policies, cost);
      },
    },
    recorder: { record: async () => void recorded++ },
    metrics: createMetrics(),
    now: () => new Date(),
    newId,
    publicUrl: () => url,
    clients: createClientNames(),
    onDomainEvent: () => undefined,
    onFault: () => undefined,
    enforceContracts: false,
  } as unknown as PipelineDependencies;
}

beforeAll(async () => {
  const app = new Koa();
  const router = new Router();
  const pipeline = countingPipeline();
  mountMcp(router, pipeline, { bodyBytesMax: 100_000, publicUrl: () => url });
  const log = createLog({ level: 'silent', pretty: false });
  app.use(requestLog({ log, newId, metrics: pipeline.metrics }));
  app.use(errorHandler({ log, publicUrl: () => url, metrics: pipeline.metrics }));
  app.use(router.routes());
  server = createServer(app.callback());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => server.close());
beforeEach(() => {
  recorded = 0;
  charged = 0;
});

const METERED = ['tools/call', 'resources/read'];
const METHODS = [
  ...METERED,
  'prompts/get',
  'tools/list',
  'initialize',
  'ping',
  'tasks/list',
  'notifications/cancelled',
  'notifications/initialized',
  'completion/complete',
  'server/discover',
  'subscriptions/listen',
  'no/such/method',
];
const NAMES = [
  ...TOOLS.map(({ name }) => name),
  ...RESOURCES.map(({ uri }) => uri),
  'recall_for_task',
  'remember_this_session',
  'memory://memories/none',
  'nothing',
];
const name = fc.constantFrom(...NAMES);
const junk = fc.jsonValue({ maxDepth: 2 });
/** The `_meta` of a request of protocol version 2026-07-28 or later. */
const envelope = fc.record({
  'io.modelcontextprotocol/protocolVersion': fc.oneof(
    { weight: 8, arbitrary: fc.constant('2026-07-28') },
    fc.constantFrom('2099-01-01', '2025-11-25'),
  ),
  'io.modelcontextprotocol/clientCapabilities': fc.oneof({ weight: 9, arbitrary: fc.constant({}) }, junk),
  'io.modelcontextprotocol/clientInfo': fc.constant({ name: 'test', version: '1' }),
});
const params = fc.record(
  {
    name: fc.oneof({ weight: 9, arbitrary: name }, junk),
    uri: fc.oneof({ weight: 9, arbitrary: name }, junk),
    arguments: fc.oneof(
      fc.record({ task: fc.string(), query: fc.string(), id: fc.string() }, { requiredKeys: [] }),
      junk,
    ),
    task: fc.oneof(fc.record({ ttl: fc.nat() }), junk),
    _meta: fc.oneof(
      {
        weight: 12,
        arbitrary: fc.constant({ 'io.modelcontextprotocol/related-task': { taskId: 't' }, progressToken: 1 }),
      },
      envelope,
      junk,
    ),
    notifications: fc.oneof(fc.constant({ toolsListChanged: true }), junk),
    requestId: fc.nat(3),
    protocolVersion: fc.string(),
  },
  { requiredKeys: ['name', 'uri'] },
);
const message = fc.record(
  {
    jsonrpc: fc.oneof({ weight: 99, arbitrary: fc.constant('2.0') }, junk),
    id: fc.oneof({ weight: 40, arbitrary: fc.nat(3) }, fc.string(), junk),
    method: fc.oneof(
      {
        weight: 30,
        arbitrary: fc.constantFrom(...METHODS, ...METERED, ...METERED, ...METERED, ...METERED, ...METERED),
      },
      junk,
    ),
    params: fc.oneof({ weight: 30, arbitrary: params }, junk),
  },
  { requiredKeys: ['jsonrpc', 'method'] },
);
const anything = fc.oneof({ weight: 60, arbitrary: message }, junk);
const body = fc.oneof(
  { weight: 6, arbitrary: anything },
  { weight: 6, arbitrary: fc.array(anything, { maxLength: 6 }) },
  fc
    .integer({ min: 99, max: 102 })
    .map((length) => Array(length).fill({ jsonrpc: '2.0', id: 1, method: 'tools/call' })),
);
const often = <Value>(usual: Value, ...others: Value[]) =>
  fc.oneof({ weight: 12, arbitrary: fc.constant(usual) }, fc.constantFrom(...others));
const headers = fc.record({
  'Content-Type': often('application/json', 'text/plain', ''),
  'MCP-Protocol-Version': fc.oneof(often('2025-11-25', '1999-01-01', 'x'), fc.constant('2026-07-28')),
  Accept: often('application/json, text/event-stream', 'text/html', 'application/json'),
  'X-WhiteMagic-Project': often('*', 'shop', 'x'.repeat(500)),
});

/** Sends a body and returns the number of its messages, the status, and how many of them were recorded or charged. */
async function send(text: string, given: Record<string, string>) {
  const before = recorded + charged;
  const response = await fetch(`${url}/mcp`, {
    method: 'POST',
    headers: { Authorization: `Bearer ${apiKey}`, ...given },
    body: text,
  });
  await response.text();
  return { status: response.status, counted: recorded + charged - before };
}

/** Headers of a request whose body is not read, so that its messages are not known. */
const isUnread = (given: Record<string, string>) =>
  given['Content-Type'] !== 'application/json' || (given['X-WhiteMagic-Project'] ?? '').length > 100;

describe('MCP messages', () => {
  it('are each recorded by the pipeline or charged to the protocol allowance, whatever they are', async () => {
    await fc.assert(
      fc.asyncProperty(body, headers, async (sent, given) => {
        const messages = Array.isArray(sent) && !isUnread(given) ? Math.max(1, sent.length) : 1;
        expect((await send(JSON.stringify(sent), given)).counted).toBe(messages);
      }),
      { numRuns: 300 },
    );
    expect(recorded).toBeGreaterThan(20);
    expect(charged).toBeGreaterThan(20);
  });

  it('of protocol version 2026-07-28 are each recorded or charged, whatever they are', async () => {
    const isWhole = fc.oneof({ weight: 8, arbitrary: fc.constant(true) }, fc.constant(false));
    await fc.assert(
      fc.asyncProperty(message, envelope, isWhole, async (sent, _meta, hasHeaders) => {
        const { params: given, method } = sent;
        const named = Object(given) as Record<string, unknown>;
        const modern = { ...sent, params: { ...named, _meta } };
        const name = method === 'resources/read' ? named.uri : named.name;
        const more: Record<string, string> = hasHeaders
          ? {
              'MCP-Protocol-Version': _meta['io.modelcontextprotocol/protocolVersion'],
              'Mcp-Method': typeof method === 'string' ? method : 'x',
              'Mcp-Name': typeof name === 'string' ? name : 'x',
            }
          : {};
        const { counted } = await send(JSON.stringify(modern), { 'Content-Type': 'application/json', ...more });
        expect(counted).toBe(1);
      }),
      { numRuns: 300 },
    );
    expect(recorded).toBeGreaterThan(20);
    expect(charged).toBeGreaterThan(20);
  });

  it.each([
    ['a task', { params: { uri: 'memory://tags', name: 'list_memories', task: { ttl: 1 } } }, 1, 0],
    [
      'a related task',
      { params: { uri: 'memory://tags', _meta: { 'io.modelcontextprotocol/related-task': { taskId: 't' } } } },
      1,
      0,
    ],
    ['malformed parameters', { params: [] }, 0, 1],
  ])('count once with %s', async (_what, more, events, charges) => {
    await send(JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'resources/read', ...more }), {
      'Content-Type': 'application/json',
    });
    expect({ recorded, charged }).toEqual({ recorded: events, charged: charges });
  });

  it('of a batch that the SDK rejects as a whole are all charged', async () => {
    const call = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'list_memories' } };
    const initialize = { ...call, id: 2, method: 'initialize', params: {} };
    const { status } = await send(JSON.stringify([initialize, call, call]), { 'Content-Type': 'application/json' });
    expect({ status, recorded, charged }).toEqual({ status: 400, recorded: 0, charged: 3 });
  });

  it('that cannot be read count as one', async () => {
    for (const text of ['{', '', '[]', '"x"', `["${'x'.repeat(100_000)}"]`])
      expect((await send(text, { 'Content-Type': 'application/json' })).counted, text.slice(0, 9)).toBe(1);
    expect((await send('{}', { 'Content-Type': 'text/plain' })).counted).toBe(1);
  });
});
