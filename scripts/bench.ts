import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { v7 as uuidv7 } from 'uuid';
import { createUser } from '../api/accounts/users.ts';
import { type Service, startService } from '../api/bootstrap.ts';
import { readConfig } from '../api/config.ts';
import { createLog } from '../api/observability/log.ts';
import { bridgePath } from '../api/startup-banner.ts';
import { startEmbedded } from '../db/embedded/start.ts';
import { listKeys } from '../db/queries/accounts/api-keys.ts';
import { updateOverrides } from '../db/queries/accounts/users.ts';
import { startBareRoute } from './bench/bare-route.ts';
import { compareDrivers } from './bench/compare-drivers.ts';
import { measureCreates } from './bench/create-parts.ts';
import { measureWaits } from './bench/create-waits.ts';
import { measureIdleMemory } from './bench/idle-memory.ts';
import { type LoadResult, load, type Target } from './bench/load.ts';
import { createPlainTable, startPlainRoute } from './bench/plain-route.ts';
import { startBenchRedis } from './bench/redis.ts';
import { measureRevocation } from './bench/revocation.ts';
import { startSdkServer } from './bench/sdk-server.ts';
import { createTexts, GROWING } from './bench/texts.ts';
import { percentile } from './eval/score.ts';

const HELP = `Usage: npm run bench [-- --seconds N] [--compare-drivers]

Measures on this machine, in one run:
  - REST and MCP calls through the whole pipeline, against a Koa route that does nothing but a plain SELECT or INSERT of the
    row in a table without any index but its primary key ("of plain"), and against one that executes the service's own
    statement through pg, as it is and tuned like the service's connections ("of bare route"); an MCP call also against the
    SDK's minimal server. Each row names what it is compared with. Compare the ratios across machines.
  - where the time of a create goes while many run: event loop, PostgreSQL, lock, flush
  - the parts of a create in an account of 0, 1,000 and 20,000 memories: time, and CPU time of PostgreSQL, of each statement
  - the time until a key that one node revoked is rejected by another
  - the start of the service on an existing database, and its memory when idle
  - the start time of the bridge, against bare Node
Loopback only.

  --seconds N         duration of each measurement (default 3); with less, fewer starts and revocations are measured too
  --compare-drivers   compares pg as the service uses it with the npm package postgres instead, and ways to write to Redis`;

const CONNECTIONS = [1, 10, 50];
/** Number of measurements per case in a full run, alternating with the other cases. */
const TURNS = 5;
const STARTS = 15;
/** Time that an idle service has to settle. */
const IDLE_MS = 6_000;
/** Duration of each measurement with which everything is repeated as often as it should be. */
const SECONDS = 3;
const REVOCATIONS = 50;
const CALLERS = 20;
const BODIES = 10_000;

async function main(seconds: number): Promise<void> {
  const dataDir = await mkdtemp(join(tmpdir(), 'whitemagic-bench-'));
  const embedded = await startEmbedded({ dataDir, log: () => undefined });
  const config = { ...readConfig({}), port: 0, dataDir, jobs: false, embedder: 'none' as const };
  const node = (redisUrl?: string) =>
    startService({ ...config, redisUrl, databaseUrl: embedded.url }, createLog({ level: 'silent', pretty: false }));
  // Before memories are stored, which would be encoded.
  const idle = await measureIdleMemory(embedded.url, Math.min(IDLE_MS, 2_000 * seconds));
  const redis = await startBenchRedis();
  const [service, withRedis] = [await node(), redis && (await node(redis.url))];
  try {
    const callers = await makeCallers(service);
    const plain = await startBareRoute(embedded.url, 'plain');
    const tuned = await startBareRoute(embedded.url, 'tuned');
    const sdk = await startSdkServer(embedded.url);
    await createPlainTable(service.database.owner);
    const simple = await startPlainRoute(embedded.url);
    const bare = { plain: plain.url, tuned: tuned.url, sdk: sdk.url, simple: simple.url };
    const cases = casesOf(service.url, withRedis?.url, bare, callers);
    console.log(
      `${CALLERS} accounts, connections assigned in turn; no encoder.${redis ? '' : ' redis-server is not installed: measured without Redis.'}`,
    );
    console.table(await measureAll(cases, repetitions(TURNS, seconds), seconds * 1000));
    await plain.stop();
    await tuned.stop();
    await sdk.stop();
    await simple.stop();
    console.table(await measureCreates(service.database, embedded.url, seconds));
    const targets = { 'many accounts': targetOf(cases, CREATE.many), 'one account': targetOf(cases, CREATE.one) };
    console.table(await measureWaits(embedded.url, targets, CONNECTIONS, seconds * 1000));
    const other = await node();
    const [first] = callers as [Caller];
    console.table([
      await measureRevocation(service, other, first.headers, repetitions(REVOCATIONS, seconds)).finally(other.stop),
    ]);
    console.table(idle);
  } finally {
    await withRedis?.stop();
    await service.stop();
    await redis?.stop();
    await embedded.stop();
    await rm(dataDir, { recursive: true, force: true });
  }
  console.table(await measureStarts(repetitions(STARTS, seconds)));
}

/** Returns how often something is repeated in a run of measurements of this duration. */
function repetitions(full: number, seconds: number): number {
  return Math.max(2, Math.round(full * Math.min(1, seconds / SECONDS)));
}

interface Caller {
  userId: string;
  keyId: string;
  memoryId: string;
  headers: Record<string, string>;
}

/** Creates accounts without effective limits, each with a key and a memory. */
async function makeCallers({ database, url }: Service): Promise<Caller[]> {
  const now = () => new Date();
  const limits = { requests_per_minute: 100_000_000, requests_per_day: 100_000_000, storage_bytes: 1e12 };
  const callers: Caller[] = [];
  const someBodies = bodies();
  for (let n = 0; n < CALLERS; n++) {
    const { userId, apiKey, keyId } = await database.ownerWrite(async (sql) => {
      const context = { sql, now, newId: () => uuidv7() };
      const made = await createUser(context, {
        email: null,
        plan: 'enterprise',
        keyName: 'Bench',
        keyEnvironment: 'bench',
        actor: 'bench',
      });
      await updateOverrides(sql, made.userId, limits, now());
      const [key] = await listKeys(sql, made.userId);
      return { ...made, keyId: key?.id as string };
    });
    const accept = 'application/json, text/event-stream';
    const headers = { Authorization: `Bearer ${apiKey}`, 'Content-Type': 'application/json', Accept: accept };
    const made = await fetch(`${url}/api/v1/memories`, { method: 'POST', headers, body: someBodies[n] as string });
    callers.push({ userId, keyId, memoryId: ((await made.json()) as { id: string }).id, headers });
  }
  return callers;
}

/** Returns request bodies of new memories of 20 to 60 words. */
function bodies(): string[] {
  const texts = createTexts();
  return Array.from({ length: BODIES }, (_, n) => {
    const { title, content, tags } = texts.note(GROWING, n);
    return JSON.stringify({ title: `${title} {new}`, content, tags });
  });
}

interface Case {
  target: Target;
  /** The routes that it is compared with: the plain statement, and the service's own, as it is and tuned. */
  baseline?: 'read' | 'insert';
  /** Whether it is compared with {@link SDK_SERVER}. */
  isMcp?: boolean;
}

/** The cases of the plain statements. */
const PLAIN = { read: 'plain SELECT', insert: 'plain INSERT' };

/** The cases of creates. */
const CREATE = { many: 'REST create', one: 'REST create, one account' };

/** The case of the SDK's minimal server. */
const SDK_SERVER = "the SDK's minimal server";

function casesOf(
  url: string,
  redisUrl: string | undefined,
  bare: { plain: string; tuned: string; sdk: string; simple: string },
  callers: readonly Caller[],
) {
  const get = (address: (caller: Caller) => string): Target => ({
    method: 'GET',
    callers: callers.map((caller) => ({ url: address(caller), headers: caller.headers })),
    expect: 200,
  });
  const texts = bodies();
  const create = (address: (caller: Caller) => string, some = callers): Target => ({
    method: 'POST',
    callers: some.map((caller) => ({ url: address(caller), headers: caller.headers })),
    bodies: texts,
    expect: 201,
  });
  const [first] = callers as [Caller];
  const rpc = {
    jsonrpc: '2.0',
    id: 1,
    method: 'tools/call',
    params: { name: 'get_memory', arguments: { id: first.memoryId } },
  };
  const call = (address: (caller: Caller) => string): Target => ({
    ...create(address, [first]),
    bodies: [JSON.stringify(rpc)],
    expect: 200,
  });
  const cases: Record<string, Case> = {
    [PLAIN.read]: { target: get(({ userId, memoryId }) => `${bare.simple}/${userId}/${memoryId}`) },
    [PLAIN.insert]: { target: create(({ userId }) => `${bare.simple}/${userId}`) },
    'bare read': { target: get(({ userId, memoryId }) => `${bare.plain}/${userId}/${memoryId}`), baseline: 'read' },
    'bare read, tuned': {
      target: get(({ userId, memoryId }) => `${bare.tuned}/${userId}/${memoryId}`),
      baseline: 'read',
    },
    'bare read, recorded': {
      target: get(({ userId, memoryId, keyId }) => `${bare.plain}/${userId}/${memoryId}/${keyId}`),
      baseline: 'read',
    },
    'REST get': { target: get(({ memoryId }) => `${url}/api/v1/memories/${memoryId}`), baseline: 'read' },
    [SDK_SERVER]: { target: call(({ userId }) => `${bare.sdk}/${userId}`), baseline: 'read' },
    'MCP get_memory': { target: call(() => `${url}/mcp`), baseline: 'read', isMcp: true },
    'bare insert': { target: create(({ userId }) => `${bare.plain}/${userId}`), baseline: 'insert' },
    'bare insert, tuned': { target: create(({ userId }) => `${bare.tuned}/${userId}`), baseline: 'insert' },
    'bare insert, tuned, without near-duplicates': {
      target: create(({ userId }) => `${bare.tuned}/${userId}/without-near-duplicates`),
      baseline: 'insert',
    },
    [CREATE.many]: { target: create(() => `${url}/api/v1/memories`), baseline: 'insert' },
    [CREATE.one]: { target: create(() => `${url}/api/v1/memories`, [first]), baseline: 'insert' },
  };
  if (redisUrl) {
    const target = get(({ memoryId }) => `${redisUrl}/api/v1/memories/${memoryId}`);
    cases['REST get, limits in Redis'] = { target, baseline: 'read' };
    cases['REST create, limits in Redis'] = {
      target: create(() => `${redisUrl}/api/v1/memories`),
      baseline: 'insert',
    };
  }
  return cases;
}

function targetOf(cases: Record<string, Case>, name: string): Target {
  const found = cases[name];
  if (!found) throw new Error(`${name} is not measured`);
  return found.target;
}

async function measureAll(cases: Record<string, Case>, turns: number, milliseconds: number) {
  const rows = [];
  // Warm-up: the engine compiles the code only after some ten thousand calls.
  for (const { target } of Object.values(cases)) await load(target, Math.max(...CONNECTIONS), 2 * milliseconds);
  for (const connections of CONNECTIONS) {
    const results = await measureInTurn(cases, connections, turns, milliseconds);
    for (const [name, { baseline, isMcp }] of Object.entries(cases)) {
      const result = results.get(name) as LoadResult;
      const [own, tuned] = ['', ', tuned'].map((way) => results.get(`bare ${baseline}${way}`));
      const plain = baseline && results.get(PLAIN[baseline]);
      const share = (base?: LoadResult) => (base ? `${Math.round((100 * result.perSecond) / base.perSecond)} %` : '');
      rows.push({
        connections,
        what: name,
        'per second': Math.round(result.perSecond),
        'p50 ms': round(result.p50Ms),
        'p95 ms': round(result.p95Ms),
        'compared with': baseline ? PLAIN[baseline] : '',
        'of plain': share(plain),
        'p50 / plain': plain ? round(result.p50Ms / plain.p50Ms) : '',
        'of bare route': share(own),
        'of tuned route': share(tuned),
        'of SDK server': share(isMcp ? results.get(SDK_SERVER) : undefined),
      });
    }
  }
  return rows;
}

/**
 * Measures each case several times, in turn, so that a machine that slows down and growing accounts affect all cases equally.
 * Returns the median of each figure.
 */
async function measureInTurn(cases: Record<string, Case>, connections: number, turns: number, milliseconds: number) {
  const slices = new Map<string, LoadResult[]>(Object.keys(cases).map((name) => [name, []]));
  for (let turn = 0; turn < turns; turn++) {
    for (const [name, { target }] of Object.entries(cases)) {
      await load(target, connections, Math.min(300, milliseconds / turns / 2));
      const slice = await load(target, connections, milliseconds / turns);
      if (slice.failed > 0) throw new Error(`${name}: ${slice.failed} unexpected responses`);
      slices.get(name)?.push(slice);
    }
  }
  return new Map([...slices].map(([name, all]) => [name, medians(all)]));
}

function medians(all: readonly LoadResult[]): LoadResult {
  const median = (figure: keyof LoadResult) =>
    percentile(
      all.map((slice) => slice[figure]),
      0.5,
    );
  return { perSecond: median('perSecond'), p50Ms: median('p50Ms'), p95Ms: median('p95Ms'), failed: 0 };
}

/** Measures the time from the start to the end of a process. */
async function measureStarts(starts: number) {
  const bridge = bridgePath();
  const cases: Record<string, string[]> = { 'bare node': ['-e', '0'] };
  if (existsSync(bridge)) cases['bridge, started and ended'] = [bridge, 'mcp'];
  const rows = [];
  for (const [what, args] of Object.entries(cases)) {
    const times: number[] = [];
    for (let i = 0; i < starts; i++) times.push(await timeProcess(args));
    times.sort((a, b) => a - b);
    rows.push({
      what,
      'median ms': round(times[Math.floor(starts / 2)] as number),
      'min ms': round(times[0] as number),
    });
  }
  return rows;
}

async function timeProcess(args: string[]): Promise<number> {
  const started = performance.now();
  await once(spawn(process.execPath, args, { stdio: 'ignore' }), 'exit');
  return performance.now() - started;
}

function round(ms: number): number {
  return Math.round(ms * 100) / 100;
}

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '3' },
    'compare-drivers': { type: 'boolean' },
    help: { type: 'boolean' },
  },
});
const seconds = Number(values.seconds);
if (values.help) console.log(HELP);
else if (seconds > 0) await (values['compare-drivers'] ? compareDrivers(seconds) : main(seconds));
else {
  console.error('At seconds: --seconds takes a positive number, such as 0.5 or 3.');
  process.exitCode = 1;
}
