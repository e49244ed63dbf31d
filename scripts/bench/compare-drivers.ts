import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { v7 as uuidv7 } from 'uuid';
import { coalesceWrites } from '../../db/client/coalesce-writes.ts';
import { connect } from '../../db/client/database.ts';
import type { Sql } from '../../db/client/sql.ts';
import { startEmbedded } from '../../db/embedded/start.ts';
import { insertKey } from '../../db/queries/accounts/api-keys.ts';
import { insertUser } from '../../db/queries/accounts/users.ts';
import { whereMemories } from '../../db/queries/memories/filters.ts';
import { insertMemory } from '../../db/queries/memories/insert-memory.ts';
import { findMemories, findMemory } from '../../db/queries/memories/memories.ts';
import type { NewMemoryRow } from '../../db/queries/memories/row.ts';
import { rankByTerms } from '../../db/queries/search/bm25.ts';
import { findTerms } from '../../db/queries/search/lexicon.ts';
import { scoreMemories } from '../../db/queries/search/ranking-attributes.ts';
import { insertUsageEventsStatement } from '../../db/queries/usage/events.ts';
import { migrateUp } from '../../db/schema/migrate.ts';
import { percentile } from '../eval/score.ts';
import { type Driver, pgDriver, postgresDriver } from './drivers.ts';
import { startBenchRedis } from './redis.ts';
import { CREATE, usageEvent } from './usage-event.ts';

const CALLERS = [1, 10, 50];
const TURNS = 5;
const TENANTS = 20;
const MEMORIES = 100;
const VOCABULARY = 2_000;

const KEY = {
  name: 'Bench',
  prefix: 'wm_test',
  last4: '0000',
  scopes: [],
  projects: null,
  rpm_limit: null,
  expires_at: null,
  revoked_at: null,
  last_used_at: null,
};

type Action = (n: number) => Promise<unknown>;

/**
 * Compares `pg` as `db/client` uses it with porsager's `postgres`, on the same statements and data, and ways to write commands
 * to Redis. Measurements alternate in short slices, so that a machine that slows down affects all of them.
 * @param seconds duration of each row's measurement
 */
export async function compareDrivers(seconds: number): Promise<void> {
  const dataDir = await mkdtemp(join(tmpdir(), 'whitemagic-drivers-'));
  const embedded = await startEmbedded({ dataDir, log: () => undefined });
  try {
    await migrateUp(embedded.url);
    const tenants = await fill(embedded.url);
    const drivers = { pg: pgDriver(embedded.url), postgres: await postgresDriver(embedded.url) };
    const ways = Object.fromEntries(Object.entries(drivers).map(([name, driver]) => [name, actions(driver, tenants)]));
    console.table(await measure(ways, ['get', 'create', 'search'], 'pg', seconds * 1000));
    await Promise.all(Object.values(drivers).map((driver) => driver.close()));
  } finally {
    await embedded.stop();
    await rm(dataDir, { recursive: true, force: true });
  }
  await compareRedis(seconds * 1000);
}

interface Tenant {
  userId: string;
  keyId: string;
  ids: string[];
}

async function fill(url: string): Promise<Tenant[]> {
  const database = connect({ url, onError: logError });
  const tenants = await Promise.all(
    Array.from({ length: TENANTS }, async () => {
      const userId = uuidv7();
      const user = {
        id: userId,
        email: null,
        plan: 'pro',
        status: 'active',
        overrides: {},
        created_at: new Date(),
      } as const;
      const key = { ...KEY, id: uuidv7(), created_at: new Date() };
      await database.ownerWrite(async (sql) => {
        await insertUser(sql, user);
        await insertKey(sql, userId, key, randomBytes(32));
      });
      const rows = Array.from({ length: MEMORIES }, newRow);
      await database.write(userId, async (sql) => {
        for (const row of rows) await insertMemory(sql, userId, row, frequenciesOf(row), { enqueue: false });
      });
      return { userId, keyId: key.id, ids: rows.map(({ id }) => id) };
    }),
  );
  await database.owner.query('analyze');
  await database.close();
  return tenants;
}

function actions(driver: Driver, tenants: readonly Tenant[]): Record<string, Action> {
  const tenantOf = (n: number) => tenants[n % tenants.length] as Tenant;
  return {
    get: async (n) => {
      const { userId, ids } = tenantOf(n);
      const row = await driver.get(userId, (sql) => findMemory(sql, userId, ids[n % ids.length] as string));
      if (!row) throw new Error('the memory is missing');
    },
    create: async (n) => {
      const { userId, keyId } = tenantOf(n);
      const row = newRow();
      const near = { ignoredTerms: [], scoreMin: 0.6, limit: 3 };
      const insert = (sql: Sql) =>
        insertMemory(sql, userId, row, frequenciesOf(row), { enqueue: false, nearDuplicates: near });
      await driver.create(userId, insert, () => insertUsageEventsStatement([usageEvent(userId, keyId, CREATE)]));
    },
    search: async (n) => {
      const { userId } = tenantOf(n);
      const found = await driver.search(userId, (sql) => search(sql, userId, [word(n), word(n * 7)]));
      if (found.length === 0) throw new Error('nothing was found');
    },
  };
}

/** The statements of a lexical search. */
async function search(sql: Sql, userId: string, words: string[]) {
  const { terms, corpus } = await findTerms(sql, userId, words);
  const weighted = terms.map(({ hash }) => ({ hash, weight: 1 }));
  const bm25 = { k1: 1.2, b: 0.75, meanLength: corpus.words / corpus.memories };
  const scoring = { weightedTerms: weighted, phrases: [], bm25 };
  const candidates = { anyOf: weighted.map(({ hash }) => hash) };
  const where = () => whereMemories(userId, { status: 'active' });
  const hits = await rankByTerms(sql, where(), scoring, candidates, 10);
  const ids = hits.map(({ id }) => id);
  const [memories] = await Promise.all([findMemories(sql, userId, ids), scoreMemories(sql, where(), scoring, ids, 64)]);
  return memories;
}

async function compareRedis(milliseconds: number): Promise<void> {
  const server = await startBenchRedis();
  if (!server) return console.log('redis-server is not installed: ways to write to Redis are not compared.');
  const clients = {
    coalesced: new Redis(server.url).on('connect', function (this: Redis) {
      coalesceWrites(this.stream);
    }),
    plain: new Redis(server.url),
    autoPipelining: new Redis(server.url, { enableAutoPipelining: true }),
  };
  const script = "return redis.call('incrby', KEYS[1], ARGV[1])";
  const ways: Record<string, Record<string, Action>> = {};
  for (const [name, redis] of Object.entries(clients)) {
    redis.defineCommand('consume', { numberOfKeys: 1, lua: script });
    const { consume } = redis as unknown as { consume(key: string, by: number): Promise<number> };
    ways[name] = { script: (n) => consume.call(redis, `key-${n % TENANTS}`, 1) };
  }
  console.table(await measure(ways, ['script'], 'coalesced', milliseconds));
  for (const redis of Object.values(clients)) redis.disconnect();
  await server.stop();
}

/** Measures each action in turn, and returns a row for each number of concurrent callers. */
async function measure(
  ways: Record<string, Record<string, Action>>,
  names: readonly string[],
  base: string,
  milliseconds: number,
) {
  const rows = [];
  for (const name of names) {
    for (const callers of CALLERS) {
      const slices = new Map(Object.keys(ways).map((way) => [way, [] as number[]]));
      for (let turn = 0; turn < TURNS; turn++) {
        // In alternating order, so that none is always first.
        const order = turn % 2 === 0 ? Object.entries(ways) : Object.entries(ways).reverse();
        for (const [way, all] of order) {
          await perSecond(all[name] as Action, callers, Math.min(200, milliseconds / TURNS / 3));
          slices.get(way)?.push(await perSecond(all[name] as Action, callers, milliseconds / TURNS));
        }
      }
      const row: Record<string, string | number> = { what: name, callers };
      const baseSlices = slices.get(base) ?? [];
      for (const [way, all] of slices) {
        row[`${way} per second`] = Math.round(percentile(all, 0.5));
        if (way === base) continue;
        const ratios = all.map((figure, turn) => figure / (baseSlices[turn] as number));
        row[`${way} / ${base}`] = Math.round(100 * percentile(ratios, 0.5)) / 100;
      }
      rows.push(row);
    }
  }
  return rows;
}

let calls = 0;

/** Returns the calls per second of concurrent callers, each of which calls again when its call completes. */
async function perSecond(action: Action, callers: number, milliseconds: number): Promise<number> {
  const started = performance.now();
  let done = 0;
  const call = async () => {
    while (performance.now() - started < milliseconds) {
      await action(calls++);
      done++;
    }
  };
  await Promise.all(Array.from({ length: callers }, call));
  return (1000 * done) / (performance.now() - started);
}

const word = (n: number) => `word${n % VOCABULARY}x`;

function newRow(): NewMemoryRow {
  const words = Array.from({ length: 40 }, () => word(Math.floor(Math.random() * VOCABULARY)));
  const at = new Date();
  return {
    id: uuidv7(),
    type: 'long_term',
    status: 'active',
    title: words.slice(0, 6).join(' '),
    content: words.join(' '),
    tags: ['bench'],
    metadata: {},
    project: null,
    session_id: null,
    occurred_at: null,
    occurred_offset_minutes: 0,
    expires_at: null,
    supersedes: null,
    consolidated_into: null,
    is_digest: false,
    version: 1,
    size_bytes: 400,
    created_at: at,
    updated_at: at,
    content_hash: randomBytes(32),
  };
}

function frequenciesOf({ content }: NewMemoryRow) {
  const counts = new Map<string, number>();
  for (const term of content.split(' ')) counts.set(term, (counts.get(term) ?? 0) + 1);
  return { terms: [...counts.keys()], frequencies: [...counts.values()], blocks: [] };
}

function logError(error: Error): void {
  console.error(error.message);
}
