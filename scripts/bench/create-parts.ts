import { readFile } from 'node:fs/promises';
import pg from 'pg';
import { v7 as uuidv7 } from 'uuid';
import { createUser } from '../../api/accounts/users.ts';
import type { Caller } from '../../api/context.ts';
import type { Embedders } from '../../api/embeddings/embedder.ts';
import { PLANS } from '../../api/limits/plans.ts';
import { create } from '../../api/memories/create.ts';
import type { Database } from '../../db/client/database.ts';
import type { Sql, Statement } from '../../db/client/sql.ts';
import { APP_ROLE, tenantStatements } from '../../db/client/tenant.ts';
import { insertUsageEventsStatement } from '../../db/queries/usage/events.ts';
import { lockTenantStatement } from '../../db/queries/usage/quotas.ts';
import { percentile } from '../eval/score.ts';
import { sumPlanParts } from './explain-parts.ts';
import { fill, rowOf } from './fill.ts';
import { insertPlain } from './plain-route.ts';
import { vacuum } from './tables.ts';
import { createTexts, GROWING, type Note, type Texts } from './texts.ts';
import { CREATE, usageEvent } from './usage-event.ts';

/** Memories of the account. */
const SIZES = [0, 1_000, 20_000];
/** Sizes of a short run, and the duration that makes a run short. */
const SHORT_SIZES = [0, 50];
const SHORT_SECONDS = 1;
const CREATES = 200;
const SHORT_CREATES = 5;
/** Creates whose insert is explained. */
const EXPLAINED = 20;
/** Memories that are filled in one transaction. */
const BLOCK = 1_000;

const NO_ENCODER = { current: { state: 'disabled' }, previous: [] } as unknown as Embedders;
/** In which the server finishes what follows its response. */
const SETTLE_MS = 1;

/** Milliseconds of each measurement, by part. */
type Samples = Map<string, { elapsed: number[]; cpu: number[] }>;

/**
 * Measures the statements of a create one by one, on a quiet connection: time, CPU time of its server process, and what the plan of the
 * insert says about each of its parts. In the service the statements share two round trips. The plain insert is the same row in a
 * table without any index but its primary key.
 * @returns a row for each part, with the medians at each size of the account
 */
export async function measureCreates(database: Database, databaseUrl: string, seconds: number) {
  const isShort = seconds < SHORT_SECONDS;
  const texts = createTexts();
  const rows = new Map<string, Record<string, number | string>>();
  for (const size of isShort ? SHORT_SIZES : SIZES) {
    const caller = await createCaller(database);
    await fillAccount(database, caller.userId, texts, size);
    const count = isShort ? SHORT_CREATES : CREATES;
    const notes = Array.from({ length: count }, (_, n) => texts.note(GROWING, size + n));
    const samples = await measureStatements(databaseUrl, caller, notes);
    for (const [part, { elapsed, cpu }] of samples) {
      const row = rows.get(part) ?? { 'part of a create': part };
      row[`${size} memories: ms`] = round(percentile(elapsed, 0.5));
      if (cpu.length > 0) row[`${size}: CPU`] = round(percentile(cpu, 0.5));
      rows.set(part, row);
    }
  }
  return [...rows.values()];
}

async function fillAccount(database: Database, userId: string, texts: Texts, size: number): Promise<void> {
  for (let from = 0; from < size; from += BLOCK) {
    const block = Array.from({ length: Math.min(BLOCK, size - from) }, (_, n) => rowOf(texts.note(GROWING, from + n)));
    await fill(database, userId, block);
  }
  if (size > 0) await vacuum(database);
}

async function measureStatements(databaseUrl: string, caller: Caller, notes: readonly Note[]): Promise<Samples> {
  const client = new pg.Client({ connectionString: databaseUrl, options: `-c role=${APP_ROLE}` });
  const owner = new pg.Client({ connectionString: databaseUrl });
  await Promise.all([client.connect(), owner.connect()]);
  const samples: Samples = new Map();
  try {
    const clock = await startClock(client, samples);
    const ownerClock = await startClock(owner, samples);
    for (const [n, note] of notes.entries()) {
      const row = { ...rowOf(note), id: uuidv7() };
      await ownerClock('plain INSERT, committed', () => insertPlain(owner, caller.userId, row));
      await clock('(an empty round trip)', () => client.query({ name: 'nothing', text: 'select' }));
      const query = (statement: Statement) =>
        clock(statement.name ?? statement.text, () => client.query(statement as pg.QueryConfig));
      await createOnce({ query } as Sql, caller, note);
      if (n % Math.ceil(notes.length / EXPLAINED) === 0) await explainOnce(client, caller, note, samples);
    }
  } finally {
    await Promise.all([client.end(), owner.end()]);
  }
  return samples;
}

/** Executes the statements of a create in a transaction, each in a round trip of its own. */
async function createOnce(sql: Sql, caller: Caller, note: Note): Promise<void> {
  const { before = [] } = tenantStatements(caller.userId, { before: [lockTenantStatement(caller.userId)] });
  for (const statement of [{ name: 'begin', text: 'begin' }, ...before]) await sql.query(statement);
  await createNote(sql, caller, note);
  await sql.query(insertUsageEventsStatement([usageEvent(caller.userId, null, CREATE)]));
  await sql.query({ name: 'commit', text: 'commit' });
}

/** Adds what the plan of the insert says about its parts. The transaction is rolled back. */
async function explainOnce(client: pg.Client, caller: Caller, note: Note, samples: Samples): Promise<void> {
  await client.query('begin');
  for (const statement of tenantStatements(caller.userId, {}).before ?? []) {
    await client.query(statement as pg.QueryConfig);
  }
  const query = async ({ name, text, values = [] }: Statement) => {
    if (!name?.startsWith('insert_memor')) return client.query(text, [...values]);
    const plan = await client.query(`explain (analyze, buffers, format json) ${text}`, [...values]);
    for (const [part, milliseconds] of sumPlanParts(plan.rows[0]['QUERY PLAN'][0])) {
      add(samples, `  of the insert: ${part}`, milliseconds);
    }
    // The result of an explained insert is that of an exact duplicate, whose look-up then finds nothing.
    return { rows: [], rowCount: 0 };
  };
  const unique = { ...note, content: `${note.content} ${uuidv7()}` };
  await createNote({ query } as Sql, caller, unique).catch(() => undefined);
  await client.query('rollback');
}

async function createNote(sql: Sql, caller: Caller, { title, content, tags, session_id }: Note): Promise<void> {
  const context = { sql, now: () => new Date(), newId: () => uuidv7() };
  const input = { title, content, tags, metadata: {}, type: 'long_term' as const, session_id };
  await create(context, caller, input as never, NO_ENCODER);
}

function add(samples: Samples, part: string, elapsed: number, cpu?: number): void {
  const found = samples.get(part) ?? { elapsed: [], cpu: [] };
  samples.set(part, found);
  found.elapsed.push(elapsed);
  if (cpu !== undefined) found.cpu.push(cpu);
}

/** Returns a function that measures work on a connection: its time, and on Linux the CPU time of the connection's server process. */
async function startClock(client: pg.Client, samples: Samples) {
  const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid');
  const readCpu = async () => {
    const text = await readFile(`/proc/${rows[0]?.pid}/schedstat`, 'utf8').catch(() => undefined);
    return text === undefined ? undefined : Number(text.split(' ')[0]) / 1e6;
  };
  return async <T>(part: string, work: () => Promise<T>): Promise<T> => {
    const cpuBefore = await readCpu();
    const before = performance.now();
    const result = await work();
    const elapsed = performance.now() - before;
    await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
    const cpuAfter = await readCpu();
    add(samples, part, elapsed, cpuBefore === undefined || cpuAfter === undefined ? undefined : cpuAfter - cpuBefore);
    return result;
  };
}

async function createCaller(database: Database): Promise<Caller> {
  const { userId } = await database.ownerWrite((sql) =>
    createUser(
      { sql, now: () => new Date(), newId: () => uuidv7() },
      { email: null, plan: 'enterprise', keyName: 'Bench', keyEnvironment: 'bench', actor: 'bench' },
    ),
  );
  return { userId, projects: null, plan: 'enterprise', limits: PLANS.enterprise.limits } as unknown as Caller;
}

function round(ms: number): number {
  return Math.round(ms * 100) / 100;
}
