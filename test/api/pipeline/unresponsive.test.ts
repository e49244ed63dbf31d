import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type EmbeddedDatabase, startEmbedded } from '../../../db/embedded/start.ts';
import { copyPreparedDataDir } from '../../support/prepared-data-dir.ts';
import { startTestService, type TestService, type TestUser } from '../../support/service.ts';
import { suspendPostgres } from '../../support/suspended-postgres.ts';

let folder: string;
let embedded: EmbeddedDatabase;
let node: TestService;
let user: TestUser;
let resume: () => void = () => undefined;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'whitemagic-unresponsive-'));
  // mkdtemp creates it with 0700, which the database's user could not enter.
  await chmod(folder, 0o755);
  await copyPreparedDataDir(join(folder, 'data'));
  embedded = await startEmbedded({ dataDir: join(folder, 'data'), log: () => undefined });
  node = await startTestService({ databaseUrl: embedded.url });
  user = await node.newUser();
});
afterEach(() => resume());
afterAll(async () => {
  await node.stop();
  await embedded.stop();
  await rm(folder, { recursive: true, force: true });
});

const note = (content: string) => ({ title: 'Note', content });
/** Rejects when a response takes longer than the deadline of any call. */
const within = <T>(milliseconds: number, response: Promise<T>) =>
  Promise.race([
    response,
    new Promise<never>((_resolve, reject) =>
      setTimeout(() => reject(new Error(`no response within ${milliseconds} ms`)), milliseconds),
    ),
  ]);
const isReady = async () => (await user.api.get(`${node.url}/ready`)).status;

describe('PostgreSQL that does not respond', () => {
  it('fails every call and readiness within their deadlines, and is used again when it responds', async () => {
    expect((await user.api.post('/memories', note('before'))).status).toBe(201);
    resume = await suspendPostgres(embedded.directory);
    const calls = [
      user.api.get('/memories'),
      user.api.get('/stats'),
      user.api.post('/search', { query: 'before' }),
      user.api.post('/memories', note('during')),
      user.api.post('/user/keys', { name: 'During' }),
      user.api.get('/user/me'),
    ];
    const ready = await within(5_000, user.api.get(`${node.url}/ready`));
    expect([ready.status, ready.body.database]).toEqual([503, 'unreachable']);
    for (const { status, body, headers } of await within(20_000, Promise.all(calls))) {
      expect([status, body.code]).toEqual([503, 'unavailable']);
      expect(headers.get('retry-after')).toBe('2');
    }
    // Known to be unresponsive, it is not waited for.
    const later = await within(2_000, user.api.get('/memories'));
    expect([later.status, later.body.code]).toEqual([503, 'unavailable']);
    expect((await user.api.get(`${node.url}/health`)).status).toBe(200);

    resume();
    await expect.poll(isReady, { timeout: 15_000 }).toBe(200);
    await expect.poll(async () => (await user.api.get('/memories')).status, { timeout: 15_000 }).toBe(200);
    expect((await user.api.post('/memories', note('after'))).status).toBe(201);
  });

  it('leaves the outcome of an interrupted commit open: its repetition with the same key writes and meters nothing more', async () => {
    const { owner } = user.database;
    await owner.query(
      `create function sleep() returns trigger language plpgsql as 'begin perform pg_sleep(2); return null; end'`,
    );
    await owner.query(`create constraint trigger slow_commit after insert on memories deferrable initially deferred
      for each row when (new.content = 'interrupted') execute function sleep()`);
    const create = () => user.api.post('/memories', note('interrupted'), { 'Idempotency-Key': 'interrupted' });
    const first = create();
    const isCommitting = async () =>
      (await owner.query("select from pg_stat_activity where query = 'commit' and wait_event = 'PgSleep'")).rowCount;
    await expect.poll(isCommitting).toBe(1);
    resume = await suspendPostgres(embedded.directory);
    const { status, body, headers } = await within(20_000, first);
    expect([status, body.code, headers.get('x-usage-event')]).toEqual([503, 'unavailable', null]);
    expect(body.detail).toContain('may have been saved');
    resume();
    await expect.poll(isReady, { timeout: 15_000 }).toBe(200);
    await expect.poll(async () => (await create()).status, { timeout: 15_000 }).toBe(201);
    const repeated = await create();
    expect([repeated.status, repeated.headers.get('idempotency-replayed')]).toEqual([201, 'true']);
    const { rows } = await owner.query(
      `select count(*)::int as memories,
        (select array_agg(status::int) from usage_events where user_id = $1 and id = $2) as statuses
      from memories
      where user_id = $1 and content = 'interrupted'`,
      [user.userId, repeated.headers.get('x-usage-event')],
    );
    expect(rows).toEqual([{ memories: 1, statuses: [201] }]);
  });
});

describe('full disk', () => {
  it('rejects writes with its own code, lets reads go on, and meters them once there is space', async () => {
    const { owner } = user.database;
    const tables = ['memories', 'usage_events'];
    await owner.query(`create function fail() returns trigger language plpgsql as
      $$ begin raise exception 'could not extend file' using errcode = '53100'; end $$`);
    for (const table of tables) {
      await owner.query(`create trigger full_disk before insert on ${table} for each row execute function fail()`);
    }
    const write = await user.api.post('/memories', note('on a full disk'));
    expect([write.status, write.body.code, write.headers.get('retry-after')]).toEqual([503, 'disk_full', '60']);
    const reads = [await user.api.get('/memories'), await user.api.post('/search', { query: 'before' })];
    expect(reads.map(({ status }) => status)).toEqual([200, 200]);
    const ready = await user.api.get(`${node.url}/ready`);
    expect([ready.status, ready.body.ready, ready.body.database]).toEqual([200, true, 'disk_full']);

    for (const table of tables) await owner.query(`drop trigger full_disk on ${table}`);
    const ids = [write, ...reads].map(({ headers }) => headers.get('x-usage-event'));
    const recorded = async () =>
      (await owner.query('select status from usage_events where id = any ($1) order by status', [ids])).rows;
    await expect.poll(recorded, { timeout: 10_000 }).toEqual([{ status: 200 }, { status: 200 }, { status: 503 }]);
    expect((await user.api.get(`${node.url}/ready`)).body.database).toBe('ok');
    expect((await user.api.post('/memories', note('on a full disk'))).status).toBe(201);
  });
});
