import { randomInt } from 'node:crypto';
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { findEmbedded, startEmbedded } from '../../db/embedded.ts';
import { type MainProcess, processesOf, startMain } from '../support/main-process.ts';

const KILLS = 20;
const CALLERS = 8;
/** In each of these rounds the database dies with the service, as in a power cut. */
const POWER_CUT_EVERY = 5;

interface Attempt {
  title: string;
  /** Sent as the Idempotency-Key by every other caller, who asks again when no answer came. */
  key: string | undefined;
}

let dataDir: string;
let service: MainProcess | undefined;

/** Every 201 that a caller received: the memory's id by its title. */
const answered = new Map<string, string>();
/** What was asked without an answer: it may have been stored or not. */
let unanswered: Attempt[] = [];
/** Repeats that got the answer of their first call, which had been stored though not answered. */
let replayed = 0;

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'whitemagic-kill-'));
  await chmod(dataDir, 0o755);
});
afterAll(async () => {
  await service?.kill();
  if ((await processesOf(dataDir)).length > 0) {
    await (await startEmbedded({ dataDir, log: () => undefined })).stop();
  }
  await rm(dataDir, { recursive: true, force: true });
});

it(`${KILLS} times kill -9 in the middle of creates loses nothing that was answered, and meters it exactly once`, async () => {
  service = await startMain(dataDir, { LOG_LEVEL: 'error' });
  await query(`update users set overrides = '{"requests_per_minute": 10000000, "requests_per_day": 10000000}'`);
  await service.kill();

  let lost = 0;
  for (let round = 1; round <= KILLS; round++) {
    service = await startMain(dataDir, { LOG_LEVEL: 'error' });
    const open = await askAgain();
    lost += open;
    await expectCountsToMatch(open);

    const before = answered.size;
    const callers = Promise.all(Array.from({ length: CALLERS }, (_, caller) => createUntilKilled(round, caller)));
    let ended = false;
    callers
      .catch(() => undefined)
      .finally(() => {
        ended = true;
      });
    while (answered.size < before + CALLERS && !ended) await delay(5);
    await delay(randomInt(0, 250));
    const database = round % POWER_CUT_EVERY === 0 ? [await postmasterPid()] : [];
    for (const pid of [...database, service.child.pid as number]) process.kill(pid, 'SIGKILL');
    await Promise.all([callers, service.finished]);
  }

  service = await startMain(dataDir, { LOG_LEVEL: 'error' });
  const open = await askAgain();
  lost += open;
  const { memories, events } = await expectCountsToMatch(open);

  const found = await readAll([...answered]);
  expect(found).toBe(answered.size);
  // Every read of this end was answered, and not one more is metered.
  await expectOne(
    `select count(*)::int as n from usage_events where operation = 'memories.get' and status = 200`,
    found,
  );
  // The repeats of a key made no second memory, and no second event.
  await expectOne(`select (count(*) - count(distinct title))::int as n from memories`, 0);
  await expectTotalsToMatch();
  console.log(
    `${KILLS} kills (${KILLS / POWER_CUT_EVERY} with the database): ${answered.size} creates answered 201, all found again; ` +
      `${memories} memories stored, ${events} events, ${replayed} answers replayed by Idempotency-Key, ` +
      `${lost} unanswered creates that nobody asked for again`,
  );
}, 180_000);

async function createUntilKilled(round: number, caller: number): Promise<void> {
  for (let n = 0; ; n++) {
    const title = `round ${round}, caller ${caller}, ${n}`;
    const attempt = { title, key: caller % 2 ? `${round}-${caller}-${n}` : undefined };
    const answer = await create(service as MainProcess, attempt).catch(() => undefined);
    if (!answer) return;
    // 503 is for the moment when the database is dead and the service is not yet.
    expect([title, answer.status]).toEqual([title, answer.status === 503 ? 503 : 201]);
  }
}

/** Repeats what was asked under a key and not answered. Answers how many others stay open. */
async function askAgain(): Promise<number> {
  const repeats = unanswered.filter(({ key }) => key);
  const open = unanswered.length - repeats.length;
  unanswered = [];
  for (const attempt of repeats) {
    const again = await create(service as MainProcess, attempt);
    expect([attempt.title, again.status]).toEqual([attempt.title, 201]);
    if (again.replayed) replayed++;
  }
  return open;
}

/** Creates a memory and logs what came of it. */
async function create(node: MainProcess, attempt: Attempt): Promise<{ status: number; replayed: boolean }> {
  const body = { title: attempt.title, content: `About ${attempt.title}` };
  try {
    const answer = await node.api.post('/memories', body, attempt.key ? { 'Idempotency-Key': attempt.key } : {});
    if (answer.status === 201) answered.set(attempt.title, answer.body.id);
    // Its commit may have gone through just the same.
    else if (answer.status === 503) unanswered.push(attempt);
    return { status: answer.status, replayed: answer.headers.get('idempotency-replayed') === 'true' };
  } catch (error) {
    unanswered.push(attempt);
    throw error;
  }
}

/** As many events of creates as stored memories; at least the answered ones, and at most those and the `open` ones. */
async function expectCountsToMatch(open: number): Promise<{ memories: number; events: number }> {
  const [row] = await query<{ memories: number; events: number; daily: number }>(
    `select (select count(*)::int from memories) as memories,
      (select count(*)::int from usage_events where operation = 'memories.create' and status = 201) as events,
      (select coalesce(sum(calls - errors), 0)::int from usage_daily where operation = 'memories.create') as daily`,
  );
  const { memories = -1, events = -1, daily } = row ?? {};
  expect({ events, daily }).toEqual({ events: memories, daily: memories });
  expect(memories).toBeGreaterThanOrEqual(answered.size);
  expect(memories).toBeLessThanOrEqual(answered.size + open + storedUnanswered);
  storedUnanswered = memories - answered.size;
  return { memories, events };
}

/** Memories whose create was not answered and that were stored all the same. */
let storedUnanswered = 0;

/** The daily totals are the events counted again, and the quota is what is stored. */
async function expectTotalsToMatch(): Promise<void> {
  const differences = await query(
    `with counted as (
        select user_id, day, door, operation, count(*) as calls, count(*) filter (where billable) as billable,
          count(*) filter (where status >= 400) as errors, sum(bytes_in) as bytes_in, sum(bytes_out) as bytes_out,
          sum(units) as units, coalesce(sum(tokens), 0) as tokens
        from usage_events group by user_id, day, door, operation
      ), kept as (
        select user_id, day, door, operation, calls, billable, errors, bytes_in, bytes_out, units, tokens from usage_daily
      )
      (select * from counted except select * from kept) union all (select * from kept except select * from counted)`,
  );
  expect(differences).toEqual([]);
  const [quota] = await query(
    `select q.memories::int as memories, q.storage_bytes::int as bytes,
      (select count(*)::int from memories) as memories_counted, (select sum(size_bytes)::int from memories) as bytes_counted
      from quotas q`,
  );
  expect(quota).toMatchObject({ memories: quota?.memories_counted, bytes: quota?.bytes_counted });
}

/** Reads every answered memory by its id. Answers how many were there, word for word. */
async function readAll(created: [title: string, id: string][]): Promise<number> {
  let found = 0;
  const next = created.values();
  const reader = async () => {
    for (const [title, id] of next) {
      const { status, body } = await (service as MainProcess).api.get(`/memories/${id}`);
      expect([status, body.title, body.content]).toEqual([200, title, `About ${title}`]);
      found++;
    }
  };
  await Promise.all([reader(), reader(), reader(), reader(), reader(), reader()]);
  return found;
}

async function expectOne(statement: string, value: number): Promise<void> {
  const [row] = await query<{ n: number }>(statement);
  expect(row?.n).toBe(value);
}

async function query<Row extends pg.QueryResultRow>(statement: string): Promise<Row[]> {
  const client = new pg.Client((await findEmbedded(dataDir)) as string);
  await client.connect();
  try {
    return (await client.query<Row>(statement)).rows;
  } finally {
    await client.end();
  }
}

async function postmasterPid(): Promise<number> {
  const file = join(dataDir, 'database', 'cluster', 'postmaster.pid');
  return Number((await readFile(file, 'utf8')).split('\n')[0]);
}
