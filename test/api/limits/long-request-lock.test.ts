import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createLongRequestLock, type LongRequestLock } from '../../../api/limits/long-request-lock.ts';
import { connect, type Database } from '../../../db/client/database.ts';
import { startTestService, type TestService } from '../../support/service.ts';

let service: TestService;
let databases: Database[];
let one: LongRequestLock;
let other: LongRequestLock;
const errors: Error[] = [];

beforeAll(async () => {
  service = await startTestService();
  databases = [1, 2].map(() => connect({ url: service.databaseUrl, onError: () => undefined }));
  [one, other] = databases.map(lockOf) as [LongRequestLock, LongRequestLock];
});
afterAll(async () => {
  await Promise.all(databases.map((database) => database.close()));
  await service.stop();
});
afterEach(async () => {
  await expect.poll(held).toBe(0);
  errors.length = 0;
});

function lockOf(database: Database): LongRequestLock {
  return createLongRequestLock(database.lock, (error) => errors.push(error));
}

/** Counts the advisory locks of tenants, positions in queues included. */
async function held(): Promise<number> {
  const { rows } = await service.service.database.owner.query(
    `select count(*)::int as locks
      from pg_locks
      where locktype = 'advisory'
        and database = (select oid from pg_database where datname = current_database())
        and classid in (7301, 7302)`,
  );
  return rows[0].locks;
}

/** Holds the lock for some time, and records when that begins and ends. */
async function hold(lock: LongRequestLock, tenant: string, name: string, log: string[]): Promise<void> {
  const release = await lock.acquire(tenant);
  log.push(`${name} begins`);
  await delay(40);
  log.push(`${name} ends`);
  release();
}

async function milliseconds(work: Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work;
  return performance.now() - started;
}

describe('lock of long requests', () => {
  it('is held by one node at a time', async () => {
    const tenant = randomUUID();
    const log: string[] = [];
    const release = await one.acquire(tenant);
    const second = hold(other, tenant, 'other', log);
    await delay(200);
    log.push('one ends');
    release();
    await second;
    expect(log).toEqual(['one ends', 'other begins', 'other ends']);
  });

  it('is shared by the requests of one node', async () => {
    const tenant = randomUUID();
    const [first, second] = [await one.acquire(tenant), await one.acquire(tenant)];
    first();
    second();
  });

  it('is held by two nodes alternately, however many requests wait at one of them', async () => {
    const tenant = randomUUID();
    const log: string[] = [];
    let left = 8;
    const flood = (async () => {
      for (; left > 0; left--) await hold(one, tenant, 'one', log);
    })();
    await expect.poll(() => log.length).toBeGreaterThan(0);
    await hold(other, tenant, 'other', log);
    expect(left).toBeGreaterThan(3);
    await flood;
  });

  it('of one tenant is not waited for by another', async () => {
    const release = await one.acquire(randomUUID());
    expect(await milliseconds(other.acquire(randomUUID()).then((end) => end()))).toBeLessThan(1_000);
    release();
  });

  it('is waited for two seconds at most, and the position in its queue is given up then', async () => {
    const tenant = randomUUID();
    const release = await one.acquire(tenant);
    expect(await milliseconds(other.acquire(tenant))).toBeGreaterThan(1_900);
    await expect.poll(held).toBe(1);
    release();
    await expect.poll(held).toBe(0);
  });

  it('is waited for by few requests of a node; the others are executed without it', async () => {
    const tenant = randomUUID();
    const release = await one.acquire(tenant);
    let done = 0;
    const waiting = Array.from({ length: 40 }, () => other.acquire(tenant).finally(() => done++));
    await delay(500);
    expect(done).toBe(8);
    release();
    for (const end of await Promise.all(waiting)) end();
  });

  it('is released when the session of its node ends', async () => {
    const tenant = randomUUID();
    const killed = connect({ url: service.databaseUrl, onError: () => undefined });
    await lockOf(killed).acquire(tenant);
    expect(await held()).toBe(1);
    await killed.close();
    expect(await milliseconds(one.acquire(tenant).then((end) => end()))).toBeLessThan(1_500);
  });

  it('is released with all others of the node when one of its statements fails', async () => {
    const [database] = databases as [Database];
    await one.acquire(randomUUID());
    await expect(database.lock({ text: 'select pg_sleep(5)', values: [] })).rejects.toThrow('statement timeout');
    await expect.poll(held).toBe(0);
    const acquireAgain = async () => {
      const release = await one.acquire(randomUUID());
      const locks = await held();
      release();
      return locks;
    };
    await expect.poll(acquireAgain).toBe(1);
  });

  it('delays no request when the database is lost before or while it waits', async () => {
    const lost = createLongRequestLock(
      () => Promise.reject(new Error('lost')),
      (error) => errors.push(error),
    );
    expect(await milliseconds(lost.acquire(randomUUID()).then((end) => end()))).toBeLessThan(500);
    let calls = 0;
    const session = async <Row>() => {
      if (++calls > 1) throw new Error('lost');
      return [{ is_first: true, is_locked: false }] as Row[];
    };
    const losing = createLongRequestLock(session, (error) => errors.push(error));
    expect(await milliseconds(losing.acquire(randomUUID()).then((end) => end()))).toBeLessThan(500);
    expect([calls, errors.length]).toEqual([2, 2]);
  });
});
