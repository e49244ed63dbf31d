import { randomUUID } from 'node:crypto';
import { NIL } from 'uuid';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { TOKEN_CODE_BYTES } from '../../../api/embeddings/token-codes.ts';
import type { Database } from '../../../db/client/database.ts';
import { enqueueEmbedding, enqueueMissing, type MemoryPosition } from '../../../db/queries/search/embedding-enqueue.ts';
import { completeQueued, leaseQueued } from '../../../db/queries/search/embedding-queue.ts';
import {
  enqueueFollowersOfNew,
  enqueueFollowersStatement,
  findFollowers,
} from '../../../db/queries/search/session-leads.ts';
import { replaceVectors } from '../../../db/queries/search/vectors.ts';
import { startTestService, type TestService } from '../../support/service.ts';

/** A model that gives vectors of tokens. */
const NEW = { model: 'new', hasTokenVectors: true };

let node: TestService;
let database: Database;

beforeAll(async () => {
  node = await startTestService();
  database = node.service.database;
});
afterEach(() => database.owner.query('delete from memories'));
afterAll(() => node.stop());

async function tenantWith(memories: number, queue = true): Promise<string> {
  const { userId } = await node.newUser();
  const ids = Array.from({ length: memories }, () => randomUUID());
  await database.owner.query(
    `insert into memories (user_id, id, type, status, title, content, content_hash, size_bytes, created_at, updated_at)
      select $1, id, 'long_term', 'active', '', 'x', uuid_send(id), 1, now(), now() from unnest($2::uuid[]) id`,
    [userId, ids],
  );
  if (queue) {
    const statement = 'insert into embedding_queue (user_id, memory_id) select $1, unnest($2::uuid[])';
    await database.owner.query(statement, [userId, ids]);
  }
  return userId;
}

const countBy = (queued: { user_id: string }[], userId: string) =>
  queued.filter((one) => one.user_id === userId).length;

it('embedding queue serves a tenant with one memory beside a tenant with thousands', async () => {
  const crowd = await tenantWith(2_500);
  const [one, other] = [await tenantWith(1), await tenantWith(1)];
  const taken = await leaseQueued(database.owner, { isReembedding: false, after: NIL }, 16);
  expect([countBy(taken, crowd), countBy(taken, one), countBy(taken, other)]).toEqual([14, 1, 1]);
  const next = await leaseQueued(database.owner, { isReembedding: false, after: NIL }, 16);
  expect(countBy(next, crowd)).toBe(16);
  expect(next.some(({ memory_id }) => taken.some((before) => before.memory_id === memory_id))).toBe(false);
});

it('embedding queue takes more tenants than fit a batch in turns', async () => {
  const tenants = [];
  for (let n = 0; n < 9; n++) tenants.push(await tenantWith(3));
  const served: string[] = [];
  let after: string = NIL;
  for (let round = 0; round < 9; round++) {
    const batch = await leaseQueued(database.owner, { isReembedding: false, after }, 3);
    const ids = batch.map(({ user_id }) => user_id).sort();
    served.push(...ids);
    after = ids.findLast((id) => id <= after) ?? (ids.at(-1) as string);
    for (const one of batch) expect(await completeQueued(database.owner, one)).toBe(true);
  }
  // Three each, and no tenant twice before every tenant once.
  for (let turn = 0; turn < 3; turn++)
    expect(served.slice(turn * 9, turn * 9 + 9).toSorted()).toEqual(tenants.toSorted());
});

it('embedding queue puts re-embedding behind new writes, and a change moves a memory forward', async () => {
  const renewing = await tenantWith(3, false);
  const first = await enqueueMissing(database.owner, NEW, { user_id: NIL, id: NIL }, 2);
  expect([first.enqueued, first.next?.user_id]).toEqual([2, renewing]);
  const rest = await enqueueMissing(database.owner, NEW, first.next as MemoryPosition, 2);
  expect(rest.enqueued).toBe(1);
  expect(await enqueueMissing(database.owner, NEW, rest.next as MemoryPosition, 2)).toEqual({
    enqueued: 0,
    next: undefined,
  });
  expect(countBy(await leaseQueued(database.owner, { isReembedding: false, after: NIL }, 16), renewing)).toBe(0);
  const { rows } = await database.owner.query('select memory_id from embedding_queue where user_id = $1 limit 1', [
    renewing,
  ]);
  await enqueueEmbedding(database.owner, renewing, rows[0].memory_id);
  const fresh = await leaseQueued(database.owner, { isReembedding: false, after: NIL }, 16);
  expect(fresh.filter(({ user_id }) => user_id === renewing).map(({ memory_id }) => memory_id)).toEqual([
    rows[0].memory_id,
  ]);
  expect(countBy(await leaseQueued(database.owner, { isReembedding: true, after: NIL }, 16), renewing)).toBe(2);
});

it('embedding queue takes memories that were embedded without codes of tokens, for a model that gives them', async () => {
  const userId = await tenantWith(3, false);
  const { rows } = await database.owner.query('select id from memories where user_id = $1 order by id', [userId]);
  const chunk = { chunk: 0, start: 0, end: 1, vector: new Float32Array(1), tokens: new Uint8Array() };
  for (const { id } of rows) await replaceVectors(database.owner, userId, id, NEW.model, [chunk]);
  await database.owner.query('update memory_vectors set token_codes = null where memory_id = any ($1)', [
    [rows[0].id, rows[1].id],
  ]);
  await enqueueEmbedding(database.owner, userId, rows[1].id);
  const start = { user_id: NIL, id: NIL };
  expect((await enqueueMissing(database.owner, { ...NEW, hasTokenVectors: false }, start, 9)).enqueued).toBe(0);
  expect((await enqueueMissing(database.owner, NEW, start, 9)).enqueued).toBe(1);
  const queued = await leaseQueued(database.owner, { isReembedding: true, after: NIL }, 9);
  expect(queued.map(({ memory_id }) => memory_id)).toEqual([rows[0].id]);
});

/** Adds turns of one session, a minute apart, and returns their ids. */
async function addTurns(userId: string, turns: { content: string; project?: string }[]): Promise<string[]> {
  const ids = turns.map(() => randomUUID());
  for (const [index, { content, project = null }] of turns.entries()) {
    await database.owner.query(
      `insert into memories
        (user_id, id, type, status, title, content, project, session_id, occurred_at, content_hash, size_bytes, created_at, updated_at)
        values ($1, $2, 'long_term', 'active', left($3, 20), $3, $4, 'call', $5, uuid_send($2), octet_length($3), now(), now())`,
      [userId, ids[index], content, project, new Date(Date.UTC(2026, 0, 1, 12, index))],
    );
  }
  return ids;
}

it('embedding queue leads a turn of a session by the ends of the two short ones before it in its project', async () => {
  const userId = await tenantWith(0);
  const long = `${'word '.repeat(60)}end`;
  const turns = ['Shall we meet?', long, 'Yes, on Monday.', 'Good.', 'x'.repeat(20_000), 'y'.repeat(1_001), 'Bye.'];
  const ids = await addTurns(userId, [
    ...turns.map((content) => ({ content })),
    { content: 'Secret.', project: 'other' },
    { content: 'Hello?' },
  ]);
  await database.owner.query('insert into embedding_queue (user_id, memory_id) select $1, unnest($2::uuid[])', [
    userId,
    ids,
  ]);
  const queued = await leaseQueued(database.owner, { isReembedding: false, after: NIL }, 16);
  const leads = new Map(queued.map(({ memory_id, lead }) => [memory_id, lead]));
  const end = long.slice(-200);
  expect(ids.map((id) => leads.get(id))).toEqual([
    null,
    'Shall we meet?',
    `Shall we meet?\n${end}`,
    `${end}\nYes, on Monday.`,
    null,
    null,
    'y'.repeat(200),
    null,
    `${'y'.repeat(200)}\nBye.`,
  ]);
});

it('embedding queue takes the two turns after one that changes, where they were embedded behind it', async () => {
  const userId = await tenantWith(0);
  const ids = await addTurns(
    userId,
    ['One.', 'Two.', 'Three.', 'Four.', 'Five.', 'Six.'].map((content) => ({ content })),
  );
  const chunk = { chunk: 0, start: 0, end: 1, vector: new Float32Array(1), tokens: new Uint8Array(TOKEN_CODE_BYTES) };
  for (const id of ids.slice(1)) await replaceVectors(database.owner, userId, id, NEW.model, [chunk]);
  await database.owner.query("update memory_vectors set token_codes = '' where memory_id = $1", [ids[4]]);
  const changed = [ids[0], ids[1], ids[3]] as string[];
  const followers = await findFollowers(database.owner, userId, changed);
  expect(followers.toSorted()).toEqual([ids[2], ids[4], ids[5]].toSorted());
  const enqueueFollowers = () => database.owner.query(enqueueFollowersStatement(userId, followers) as never);
  await enqueueFollowers();
  const queued = await leaseQueued(database.owner, { isReembedding: true, after: NIL }, 9);
  // A model that gives no vectors of tokens reads no lead.
  expect(queued.map(({ memory_id }) => memory_id).toSorted()).toEqual([ids[2], ids[5]].toSorted());
  // A worker that read the former lead does not store what it made of it.
  await enqueueFollowers();
  expect(await completeQueued(database.owner, queued[0] as (typeof queued)[number])).toBe(false);
});

it('embedding queue takes the turns after one that was stored between others', async () => {
  const userId = await tenantWith(0);
  const ids = await addTurns(
    userId,
    ['One.', 'Two.', 'Three.', 'Four.'].map((content) => ({ content })),
  );
  const chunk = { chunk: 0, start: 0, end: 1, vector: new Float32Array(1), tokens: new Uint8Array(TOKEN_CODE_BYTES) };
  for (const id of ids.slice(1)) await replaceVectors(database.owner, userId, id, NEW.model, [chunk]);
  await enqueueFollowersOfNew(database.owner, userId, ids[1] as string);
  expect(await leaseQueued(database.owner, { isReembedding: true, after: NIL }, 9)).toEqual([]);
  await enqueueFollowersOfNew(database.owner, userId, ids[0] as string);
  const queued = await leaseQueued(database.owner, { isReembedding: true, after: NIL }, 9);
  expect(queued.map(({ memory_id }) => memory_id).toSorted()).toEqual([ids[1], ids[2]].toSorted());
});

it('embedding queue finds the turns after one in each project: it can have been moved', async () => {
  const userId = await tenantWith(0);
  const ids = await addTurns(userId, [
    { content: 'One.', project: 'a' },
    { content: 'Two.' },
    { content: 'Three.' },
    { content: 'Four.' },
    { content: 'Five.', project: 'a' },
  ]);
  const followers = await findFollowers(database.owner, userId, [ids[0] as string]);
  expect(followers.toSorted()).toEqual([ids[1], ids[2], ids[4]].toSorted());
});

it('embedding queue keeps a memory that was completed by one worker and changed before another completes it', async () => {
  const userId = await tenantWith(1);
  const lease = { isReembedding: false, after: NIL };
  const [former] = await leaseQueued(database.owner, lease, 1);
  if (!former) throw new Error('nothing was leased');
  expect(await completeQueued(database.owner, former)).toBe(true);
  await enqueueEmbedding(database.owner, userId, former.memory_id);
  // The worker still holds the text from before the change.
  expect(await completeQueued(database.owner, former)).toBe(false);
  expect(await leaseQueued(database.owner, lease, 1)).toMatchObject([{ memory_id: former.memory_id }]);
});
