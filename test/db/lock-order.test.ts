import { randomUUID } from 'node:crypto';
import { NIL } from 'uuid';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { replayReceipts } from '../../api/accounts/purge.ts';
import { audit } from '../../api/audit.ts';
import { storePart } from '../../api/embeddings/store-part.ts';
import type { Database } from '../../db/client/database.ts';
import type { Sql } from '../../db/client/sql.ts';
import { findMemory } from '../../db/queries/memories/memories.ts';
import {
  countBinaryCodes,
  deleteClusters,
  insertClusters,
  keepClustersStatement,
} from '../../db/queries/search/clusters.ts';
import { enqueueEmbedding, enqueueMissing } from '../../db/queries/search/embedding-enqueue.ts';
import { leaseQueued, releaseQueued, renewLeases } from '../../db/queries/search/embedding-queue.ts';
import { toBinaryCode } from '../../db/queries/search/vector-encoding.ts';
import { deleteVectors, replaceVectors } from '../../db/queries/search/vectors.ts';
import { lockTenantStatement } from '../../db/queries/usage/quotas.ts';
import { until } from '../support/retrieval.ts';
import { startTestService, type TestService } from '../support/service.ts';

const MODEL = 'test';
const VECTOR = new Float32Array(8).fill(1);
const CHUNK = { start: 0, end: 1, vector: VECTOR, tokens: new Uint8Array() };
const CHUNKS = [CHUNK];
const NO_COUNTS = { memories: 0, versions: 0, keys: 0, usage_events: 0, audit_rows: 0 };

let node: TestService;
let database: Database;
/** Transactions since the start of a test. One that PostgreSQL aborted for a deadlock is repeated, and counts twice. */
let attempts: { write: number; ownerWrite: number };

beforeAll(async () => {
  node = await startTestService();
  const { write, ownerWrite, ...others } = node.service.database;
  database = {
    ...others,
    write: (userId, work, joined) => write(userId, counted('write', work), joined),
    ownerWrite: (work, joined) => ownerWrite(counted('ownerWrite', work), joined),
  };
});
beforeEach(() => {
  attempts = { write: 0, ownerWrite: 0 };
});
afterAll(() => node.stop());

function counted<T>(kind: keyof typeof attempts, work: (sql: Sql) => Promise<T>) {
  return (sql: Sql) => {
    attempts[kind]++;
    return work(sql);
  };
}

/** Waits until a statement on this file's database waits for a lock. */
const untilWaiting = () =>
  until(async () => {
    const { rowCount } = await database.owner.query(
      "select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'",
    );
    return (rowCount ?? 0) > 0;
  }, 'no statement waits for a lock');

/** Creates a tenant with a memory that is queued for embedding. */
async function tenantWithQueued() {
  const { userId, api } = await node.newUser();
  const { body } = await api.post('/memories', { content: `Note ${randomUUID()}` });
  await enqueueEmbedding(database.owner, userId, body.id);
  const queued = await leaseQueued(database.owner, { isReembedding: false, after: NIL }, 16);
  const memory = queued.find(({ user_id }) => user_id === userId);
  if (!memory) throw new Error('the memory was not leased');
  return { userId, memory, api };
}

it('tenant lock serializes the first writes of a new account', async () => {
  const { userId } = await node.newUser();
  let running = 0;
  const concurrent: number[] = [];
  const write = async (sql: Sql) => {
    // The lock is sent with the first statement.
    await sql.query({ text: 'select 1' });
    concurrent.push(++running);
    await sql.query({ text: 'select pg_sleep(0.01)' });
    running--;
  };
  const before = [lockTenantStatement(userId)];
  await Promise.all(Array.from({ length: 10 }, () => database.write(userId, write, { before })));
  expect(Math.max(...concurrent)).toBe(1);
});

it('40 identical creates of a new account at once store one memory', async () => {
  const { api } = await node.newUser();
  const memory = { content: 'The deploy key is rotated on the first Monday of the month.', tags: ['ops'] };
  const responses = await Promise.all(Array.from({ length: 40 }, () => api.post('/memories', memory)));
  expect(responses.map(({ status }) => status).sort()).toEqual([...Array(39).fill(200), 201]);
  expect(new Set(responses.map(({ body }) => body.id)).size).toBe(1);
});

it('embedding worker waits for a writer of the memory before it locks the queue', async () => {
  const { userId, memory } = await tenantWithQueued();
  let storing: Promise<void> | undefined;
  await database.write(userId, async (sql) => {
    await findMemory(sql, userId, memory.memory_id, true);
    storing ??= storePart(database, MODEL, memory, CHUNKS);
    await untilWaiting();
    await enqueueEmbedding(sql, userId, memory.memory_id);
  });
  await storing;
  const { rows } = await database.owner.query('select revision from embedding_queue where memory_id = $1', [
    memory.memory_id,
  ]);
  // The vectors of the former text were not stored.
  expect(rows).toEqual([{ revision: expect.not.stringMatching(memory.revision) }]);
  expect(attempts).toEqual({ write: 1, ownerWrite: 1 });
});

it('leases are renewed and released without waiting for a writer', async () => {
  const { userId, memory } = await tenantWithQueued();
  await database.write(userId, async (sql) => {
    await enqueueEmbedding(sql, userId, memory.memory_id);
    await renewLeases(database.owner, [memory]);
    await releaseQueued(database.owner, [memory]);
    const lease = { isReembedding: false, after: NIL };
    expect(await leaseQueued(database.owner, lease, 16)).not.toContainEqual(memory);
  });
});

it('search for memories without vectors leaves those out that a writer has locked', async () => {
  const { userId, memory } = await tenantWithQueued();
  await database.owner.query('delete from embedding_queue');
  const after = { user_id: userId, id: NIL };
  await database.write(userId, async (sql) => {
    await findMemory(sql, userId, memory.memory_id, true);
    expect((await enqueueMissing(database.owner, { model: MODEL, hasTokenVectors: false }, after, 16)).enqueued).toBe(
      0,
    );
  });
  expect((await enqueueMissing(database.owner, { model: MODEL, hasTokenVectors: false }, after, 16)).enqueued).toBe(1);
});

it('deletion of clusters waits for the vectors that join one', async () => {
  const { userId, memory } = await tenantWithQueued();
  const index = { userId, model: MODEL };
  await insertClusters(database.owner, index, [toBinaryCode(VECTOR)], 1);
  await storePart(database, MODEL, memory, CHUNKS);
  let deleting: Promise<void> | undefined;
  await database.ownerWrite(async (sql) => {
    await sql.query(keepClustersStatement(index));
    await deleteVectors(sql, userId, memory.memory_id);
    deleting ??= database.ownerWrite((other) => deleteClusters(other, index, 1));
    await untilWaiting();
    await replaceVectors(sql, userId, memory.memory_id, MODEL, [{ chunk: 0, ...CHUNK }]);
  });
  await deleting;
  expect(attempts).toEqual({ write: 0, ownerWrite: 3 });
  expect(await countBinaryCodes(database.owner, index)).toMatchObject({ codes: 1, unclustered: 1 });
});

it('purge of an account waits for a write in progress', async () => {
  const { userId, memory } = await tenantWithQueued();
  const receipt = { user_id: userId, reason: 'lapsed', asked_at: null, purged_at: new Date(), counts: NO_COUNTS };
  let purging: Promise<unknown> | undefined;
  await database.write(
    userId,
    async (sql) => {
      await sql.query({ text: 'select 1' });
      purging ??= database.ownerWrite((owner) => replayReceipts({ sql: owner, now: () => new Date() }, [receipt]));
      await untilWaiting();
      // The new version refers to the user.
      await enqueueEmbedding(sql, userId, memory.memory_id);
      await audit({ sql, now: () => new Date(), newId: randomUUID }, userId, {
        actor: 'test',
        action: 'test',
        details: {},
      });
    },
    { before: [lockTenantStatement(userId)] },
  );
  await purging;
  expect(attempts).toEqual({ write: 1, ownerWrite: 1 });
});

it('purge of an account waits for calls that are being metered', async () => {
  const { userId } = await tenantWithQueued();
  const receipt = { user_id: userId, reason: 'lapsed', asked_at: null, purged_at: new Date(), counts: NO_COUNTS };
  let purging: Promise<unknown> | undefined;
  await database.ownerWrite(async (sql) => {
    await sql.query({ text: 'update usage_daily set calls = calls + 1 where user_id = $1', values: [userId] });
    purging ??= database.ownerWrite((owner) => replayReceipts({ sql: owner, now: () => new Date() }, [receipt]));
    await untilWaiting();
    // An event refers to the user, too.
    const context = { sql, now: () => new Date(), newId: randomUUID };
    await audit(context, userId, { actor: 'test', action: 'test', details: {} });
  });
  await purging;
  expect(attempts).toEqual({ write: 0, ownerWrite: 2 });
});
