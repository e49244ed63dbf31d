import { EventEmitter, once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { followLongRequests, LONG_REQUESTS_PER_TENANT } from '../../../api/limits/long-requests.ts';
import {
  createRequestQueue,
  REQUESTS_PER_TENANT,
  UNSENT_BYTES_MAX,
  WAITING_PER_TENANT,
} from '../../../api/limits/request-queue.ts';
import { countTermsOf } from '../../../api/search/count-in-thread.ts';
import { lockTenantStatement } from '../../../db/queries/usage/quotas.ts';
import { postMcp, rpc } from '../../support/mcp.ts';
import { search } from '../../support/retrieval.ts';
import { startTestService, type TestService } from '../../support/service.ts';

let node: TestService;

beforeAll(async () => {
  node = await startTestService();
});
afterAll(() => node.stop());

const POOL = 12;
const NO_DATES = { occurred_at: null, occurred_offset_minutes: 0, created_at: new Date(0) };
const SLEEP = { text: 'select pg_sleep(0.3)' };

describe('connections of the pool', () => {
  it('are shared: forty slow statements of one tenant leave connections for the calls of another', async () => {
    const [flood, quiet] = [await node.newUser(), await node.newUser()];
    const read = node.service.database.read(flood.userId);
    let ended = 0;
    const slow = Array.from({ length: 40 }, () => read.query(SLEEP).finally(() => ended++));
    await search(quiet.api, { query: 'anything' });
    // Without shares, the search would wait for the three rounds of twelve before it.
    expect(ended).toBeLessThanOrEqual(POOL);
    await Promise.all(slow);
  });

  it('are not held by large creates while their terms wait to be counted', async () => {
    const words = (n: number) =>
      Array.from({ length: 60_000 }, (_, word) => `word${(word * (n + 7)) % 9_973}`).join(' ');
    const large = (n: number) => ({ title: 'Large', content: words(n), tags: [], ...NO_DATES });
    const users = await Promise.all([0, 1, 2, 3].map(() => node.newUser()));
    const used = () => node.service.database.poolStates().find(({ pool }) => pool === 'app')?.used;
    // Other texts occupy the thread for more than a second.
    let isOccupied = true;
    const occupied = countTermsOf(
      'others',
      Array.from({ length: 8 }, (_, n) => large(n)),
    ).then(() => {
      isOccupied = false;
    });
    const creates = users.map(({ api }, n) => api.post('/memories', { title: 'Large', content: words(100 + n) }));
    const samples: (number | undefined)[] = [];
    while (isOccupied) {
      samples.push(used());
      await delay(10);
    }
    expect(samples.length).toBeGreaterThan(10);
    expect(new Set(samples.slice(0, -1))).toEqual(new Set([0]));
    await occupied;
    for (const { status } of await Promise.all(creates)) expect(status).toBe(201);
  });

  it('are shared among writes, those of the owner role included', async () => {
    const [flood, quiet] = [await node.newUser(), await node.newUser()];
    const { database } = node.service;
    let ended = 0;
    const hold = (sql: { query(statement: { text: string }): Promise<unknown> }) => sql.query(SLEEP);
    const slow = Array.from({ length: 24 }, (_, n) =>
      (n % 2 === 0 ? database.write(flood.userId, hold) : database.ownerWrite(hold, {}, flood.userId)).finally(
        () => ended++,
      ),
    );
    expect((await quiet.api.post('/memories', { title: 'Quiet', content: 'Written meanwhile.' })).status).toBe(201);
    expect((await quiet.api.post('/user/keys', { name: 'Made meanwhile' })).status).toBe(201);
    expect(ended).toBeLessThanOrEqual(POOL);
    await Promise.all(slow);
  });
});

describe('request queue', () => {
  it('runs eight requests of a tenant at once, lets 300 wait, and returns the cost of those beyond', async () => {
    const queue = createRequestQueue({}, { busyShare: () => 0 });
    let refunds = 0;
    const meter = { refund: async () => void refunds++ };
    const ends: (() => void)[] = [];
    const call = (tenant: string) => queue.run(tenant, meter, () => new Promise<void>((resolve) => ends.push(resolve)));
    const calls = Array.from({ length: REQUESTS_PER_TENANT + WAITING_PER_TENANT }, () => call('flood'));
    await expect(call('flood')).rejects.toMatchObject({ code: 'concurrency_exceeded', status: 429 });
    void call('quiet');
    expect([ends.length, refunds]).toEqual([REQUESTS_PER_TENANT + 1, 1]);
    for (let n = 0; n < calls.length + 1; n++) {
      ends[n]?.();
      await new Promise(setImmediate);
    }
    await Promise.all(calls);
  });

  it('runs no request of a tenant that has not read its responses, and counts none that was read', async () => {
    const queue = createRequestQueue();
    let refunds = 0;
    const meter = { refund: async () => void refunds++ };
    const call = (tenant: string) => queue.run(tenant, meter, async () => 'done');
    const release = queue.hold('slow', UNSENT_BYTES_MAX);
    await expect(call('slow')).resolves.toBe('done');
    const releaseMore = queue.hold('slow', 1);
    await expect(call('slow')).rejects.toMatchObject({ code: 'concurrency_exceeded', status: 429 });
    await expect(call('quiet')).resolves.toBe('done');
    expect(refunds).toBe(1);
    release();
    releaseMore();
    await expect(call('slow')).resolves.toBe('done');
  });

  it('serves a client that reads its large responses, however many', async () => {
    const { api } = await node.newUser();
    await api.post('/memories', { title: 'Large', content: 'word '.repeat(190_000) });
    const bytes = async () => (await api.get('/memories?include=content')).text.length;
    for (let sum = 0; sum < 2 * UNSENT_BYTES_MAX; ) {
      const length = await bytes();
      expect(length).toBeGreaterThan(900_000);
      sum += length;
    }
  });

  it('runs few requests at once of a tenant with long ones, as long as others send requests', async () => {
    let now = 0;
    const queue = createRequestQueue({}, { now: () => now, busyShare: () => 0 });
    const meter = { refund: async () => undefined };
    const ends: (() => void)[] = [];
    const send = (tenant: string, calls: number) => {
      const started = ends.length;
      const all = Array.from({ length: calls }, () =>
        queue.run(tenant, meter, () => new Promise<void>((resolve) => ends.push(resolve))),
      );
      return { all, running: ends.length - started };
    };
    const endAll = async (all: Promise<void>[]) => {
      for (let n = 0; n < ends.length; n++) {
        ends[n]?.();
        await new Promise(setImmediate);
      }
      await Promise.all(all);
    };
    const first = send('heavy', 4);
    expect(first.running).toBe(4);
    now += 400;
    await endAll(first.all);
    // Alone on the node, it has all that a tenant may have.
    const alone = send('heavy', 4);
    expect(alone.running).toBe(4);
    await endAll(alone.all);
    const quiet = send('quiet', 1);
    const beside = send('heavy', 4);
    expect(beside.running).toBe(Math.min(4, LONG_REQUESTS_PER_TENANT));
    // As soon as no other sends requests, all that wait are run.
    now += 10_000;
    await endAll([...quiet.all, ...beside.all]);
    expect(send('heavy', 4).running).toBe(4);
  });

  it('expects requests of a tenant to take as long as the former ones, beside those of others', async () => {
    let now = 0;
    const queue = createRequestQueue({}, { now: () => now, busyShare: () => 0 });
    const meter = { refund: async () => undefined };
    const running: (() => void)[] = [];
    const send = (tenant: string) =>
      queue.run(tenant, meter, () => new Promise<void>((resolve) => running.push(resolve)));
    /** Ends what is executed after so many milliseconds, as often as anything is, and returns how many requests were executed at once. */
    const endAll = async (milliseconds: number) => {
      const atOnce: number[] = [];
      while (running.length > 0) {
        atOnce.push(running.length);
        now += milliseconds;
        for (const end of running.splice(0)) end();
        await new Promise(setImmediate);
        void queue.run('other', meter, async () => undefined);
      }
      return atOnce;
    };
    const burst = async (milliseconds: number) => {
      await queue.run('other', meter, async () => undefined);
      const calls = Array.from({ length: 9 }, () => send('burst'));
      const atOnce = await endAll(milliseconds);
      await Promise.all(calls);
      return atOnce;
    };
    const few = LONG_REQUESTS_PER_TENANT;
    // Nothing is known of the first one; short ones are executed at once then.
    expect(await burst(20)).toEqual([few, Math.min(9 - few, REQUESTS_PER_TENANT)]);
    expect(await burst(20)).toEqual([REQUESTS_PER_TENANT, 9 - REQUESTS_PER_TENANT]);
    // Long ones are noticed when they end, and fewer are executed from then on.
    const slow = await burst(400);
    expect(slow.slice(0, 2)).toEqual([REQUESTS_PER_TENANT, few]);
    // After a pause the first is waited for, and its time is expected of the others.
    now += 20_000;
    expect((await burst(400)).every((count) => count === few)).toBe(true);
  });

  it('runs few short requests of a tenant at once while the event loop is busy, as long as others send requests', async () => {
    let busy = 0;
    const queue = createRequestQueue({}, { now: () => 0, busyShare: () => busy });
    const meter = { refund: async () => undefined };
    const running: (() => void)[] = [];
    const send = (calls: number) =>
      Array.from({ length: calls }, () =>
        queue.run('many', meter, () => new Promise<void>((resolve) => running.push(resolve))),
      );
    const endAll = async () => {
      for (const end of running.splice(0)) end();
      await new Promise(setImmediate);
    };
    const quiet = () => queue.run('quiet', meter, async () => undefined);
    await quiet();
    // Nothing is known of the first request after a pause: the others wait for it.
    const first = send(1);
    await endAll();
    const calls = send(3 * REQUESTS_PER_TENANT);
    expect(running.length).toBe(REQUESTS_PER_TENANT);
    busy = 0.9;
    await endAll();
    expect(running.length).toBe(LONG_REQUESTS_PER_TENANT);
    busy = 0.5;
    await endAll();
    expect(running.length).toBe(REQUESTS_PER_TENANT);
    while (running.length > 0) await endAll();
    await Promise.all([...first, ...calls]);
  });

  it('acquires the lock between nodes for long requests beside those of others only', async () => {
    let now = 0;
    const log: string[] = [];
    const acquire = async (tenant: string) => {
      log.push(`acquire ${tenant}`);
      return () => void log.push('release');
    };
    const queue = createRequestQueue({}, { now: () => now, busyShare: () => 0 }, { acquire });
    const run = (tenant: string, milliseconds: number) =>
      queue.run(tenant, { refund: async () => undefined }, async () => {
        now += milliseconds;
      });
    await run('long', 600);
    await run('long', 600);
    expect(log).toEqual([]);
    await run('short', 10);
    await run('short', 10);
    expect(log).toEqual([]);
    await run('long', 600);
    expect(log).toEqual(['acquire long', 'release']);
  });

  it('measures how busy the event loop is', async () => {
    const long = followLongRequests({ permits: REQUESTS_PER_TENANT });
    const permits = () => {
      long.start('other')();
      return long.permitsOf('many');
    };
    long.start('many')();
    // A first interval, of which nothing is known.
    permits();
    const end = performance.now() + 400;
    while (performance.now() < end);
    expect(permits()).toBe(LONG_REQUESTS_PER_TENANT);
    await delay(400);
    expect(permits()).toBe(REQUESTS_PER_TENANT);
  });

  it('runs all requests of a tenant that is alone, however busy the event loop is', async () => {
    const queue = createRequestQueue({}, { busyShare: () => 1 });
    const running: (() => void)[] = [];
    const calls = Array.from({ length: REQUESTS_PER_TENANT }, () =>
      queue.run('many', { refund: async () => undefined }, () => new Promise<void>((resolve) => running.push(resolve))),
    );
    expect(running.length).toBe(REQUESTS_PER_TENANT);
    for (const end of running) end();
    await Promise.all(calls);
  });

  it('reports a node whose requests are all in use as overloaded', async () => {
    const queue = createRequestQueue({ permits: 1, waitingMax: 0 });
    const meter = { refund: async () => undefined };
    void queue.run('flood', meter, () => new Promise<void>(() => undefined));
    const rejected = queue.run('quiet', meter, async () => undefined);
    await expect(rejected).rejects.toMatchObject({ code: 'overloaded', status: 503 });
    await expect(rejected).rejects.toHaveProperty('data.headers', { 'Retry-After': '2' });
  });

  it('holds back the excess of one tenant without its units, and serves another meanwhile', async () => {
    const [flood, quiet] = [await node.newUser(), await node.newUser()];
    const { database } = node.service;
    // All writes of the tenant wait for its row.
    const signals = new EventEmitter();
    const isLocked = once(signals, 'locked');
    const held = database.ownerWrite(async (sql) => {
      await sql.query(lockTenantStatement(flood.userId));
      signals.emit('locked');
      await once(signals, 'free');
    });
    await isLocked;
    const note = (n: number) => ({ title: `Note ${n}`, content: `Content of note ${n}.` });
    const create = (n: number) =>
      postMcp(node, flood, rpc('tools/call', { name: 'create_memory', arguments: note(n) }));
    const calls = Array.from({ length: REQUESTS_PER_TENANT + WAITING_PER_TENANT + 20 }, (_, n) => create(n));
    const early = await Promise.race(calls);
    expect(early.body.result._meta['whitemagic/status']).toBe(429);
    expect(JSON.stringify(early.body)).toContain('concurrency_exceeded');
    expect((await quiet.api.post('/memories', note(0))).status).toBe(201);
    signals.emit('free');
    await held;
    const statuses = (await Promise.all(calls)).map(({ body }) => body.result._meta['whitemagic/status'] ?? 201);
    const rejected = statuses.filter((status) => status === 429).length;
    expect(rejected).toBeGreaterThanOrEqual(20);
    expect(new Set(statuses)).toEqual(new Set([201, 429]));
    const { rows } = await database.owner.query(
      `select status = 429 as rejected, sum(units)::int as units, count(*)::int as calls
      from usage_events
      where user_id = $1
      group by 1
      order by 1`,
      [flood.userId],
    );
    const executed = calls.length - rejected;
    expect(rows).toEqual([
      { rejected: false, units: executed, calls: executed },
      { rejected: true, units: 0, calls: rejected },
    ]);
  });
});
