import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { v7 as uuidv7 } from 'uuid';
import { createUser } from '../api/account/users.ts';
import { readConfig } from '../api/config.ts';
import { createLog } from '../api/observe/log.ts';
import { startService } from '../api/service.ts';
import { bridgePath } from '../api/welcome.ts';
import { startEmbedded } from '../db/embedded.ts';
import { updateOverrides } from '../db/users.ts';
import { startBareRoute } from './bench/bare-route.ts';
import { type LoadResult, load, type Target } from './bench/load.ts';
import { measureRevocation } from './bench/revocation.ts';

const HELP = `Usage: npm run bench [-- --seconds N]

Measures on this machine, in one run: REST and MCP calls with all their gates against a bare HTTP route that does the same
single query (the ratio is what travels), how soon a key that one node revoked is refused by another, and how fast the bridge
starts against bare Node. Loopback only.`;

const CONNECTIONS = [1, 10, 50];
const STARTS = 15;
const REVOCATIONS = 50;

async function main(seconds: number): Promise<void> {
  const dataDir = await mkdtemp(join(tmpdir(), 'whitemagic-bench-'));
  const embedded = await startEmbedded({ dataDir, log: () => undefined });
  const config = {
    ...readConfig({}),
    port: 0,
    dataDir,
    jobs: false,
    embedder: 'none' as const,
    databaseUrl: embedded.url,
  };
  const service = await startService(config, createLog({ level: 'silent', pretty: false }));
  try {
    const { userId, apiKey } = await service.database.ownerWrite(async (sql) => {
      const deps = { sql, now: () => new Date(), newId: () => uuidv7(), keyEnvironment: 'bench' };
      const made = await createUser(deps, { email: null, plan: 'enterprise', keyName: 'Bench', actor: 'bench' });
      await updateOverrides(
        sql,
        made.userId,
        { requests_per_minute: 100_000_000, requests_per_day: 100_000_000 },
        new Date(),
      );
      return made;
    });
    const headers = { Authorization: `Bearer ${apiKey}`, 'Content-Type': 'application/json' };
    const memoryId = await createOne(service.url, headers);
    const bare = await startBareRoute(service.database, userId, memoryId);
    const ways = waysOf(service.url, bare.url, headers, memoryId);
    console.table(await measureAll(ways, seconds * 1000));
    bare.stop();
    const other = await startService(config, createLog({ level: 'silent', pretty: false }));
    console.table([await measureRevocation(service, other, headers, REVOCATIONS).finally(other.stop)]);
  } finally {
    await service.stop();
    await embedded.stop();
    await rm(dataDir, { recursive: true, force: true });
  }
  console.table(await measureStarts());
}

type Ways = Record<string, { target: Target; ceiling?: string }>;

function waysOf(url: string, bareUrl: string, headers: Record<string, string>, memoryId: string): Ways {
  const write = (address: string): Target => ({ url: address, method: 'POST', headers, body: NEW_MEMORY, expect: 201 });
  const rpc = (name: string, input: object): Target => ({
    url: `${url}/mcp`,
    method: 'POST',
    headers,
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name, arguments: input } }),
    expect: 200,
  });
  return {
    'bare read': { target: { url: bareUrl, method: 'GET', headers, expect: 200 } },
    'REST get': {
      target: { url: `${url}/api/v1/memories/${memoryId}`, method: 'GET', headers, expect: 200 },
      ceiling: 'bare read',
    },
    'MCP get_memory': { target: rpc('get_memory', { id: memoryId }), ceiling: 'bare read' },
    'bare insert': { target: write(bareUrl) },
    'REST create': { target: write(`${url}/api/v1/memories`), ceiling: 'bare insert' },
  };
}

async function measureAll(ways: Ways, milliseconds: number) {
  const rows = [];
  for (const connections of CONNECTIONS) {
    const results = new Map<string, LoadResult>();
    for (const [name, { target, ceiling }] of Object.entries(ways)) {
      await load(target, connections, Math.min(500, milliseconds / 4));
      const result = await load(target, connections, milliseconds);
      if (result.failed > 0) throw new Error(`${name}: ${result.failed} unexpected answers`);
      results.set(name, result);
      const top = ceiling ? results.get(ceiling) : undefined;
      rows.push({
        connections,
        what: name,
        'per second': Math.round(result.perSecond),
        'p50 ms': round(result.p50Ms),
        'p95 ms': round(result.p95Ms),
        'of the ceiling': top ? `${Math.round((100 * result.perSecond) / top.perSecond)} %` : '',
      });
    }
  }
  return rows;
}

/** How long a whole process takes from its start to its end. */
async function measureStarts() {
  const bridge = bridgePath();
  const ways: Record<string, string[]> = { 'bare node': ['-e', '0'] };
  if (existsSync(bridge)) ways['bridge, started and ended'] = [bridge, 'mcp'];
  const rows = [];
  for (const [what, args] of Object.entries(ways)) {
    const times: number[] = [];
    for (let i = 0; i < STARTS; i++) times.push(await timeProcess(args));
    times.sort((a, b) => a - b);
    rows.push({
      what,
      'median ms': round(times[Math.floor(STARTS / 2)] as number),
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

const NEW_MEMORY = JSON.stringify({
  title: 'Note {new}',
  content: 'We deploy on Fridays after the smoke tests have passed on staging, and never before a holiday.',
  tags: ['bench'],
});

async function createOne(url: string, headers: Record<string, string>): Promise<string> {
  const response = await fetch(`${url}/api/v1/memories`, { method: 'POST', headers, body: NEW_MEMORY });
  return ((await response.json()) as { id: string }).id;
}

function round(ms: number): number {
  return Math.round(ms * 100) / 100;
}

const args = process.argv.slice(2);
if (args.includes('--help')) console.log(HELP);
else await main(Number(args[args.indexOf('--seconds') + 1] ?? 3) || 3);
