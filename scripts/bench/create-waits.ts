import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { load, type Target } from './load.ts';

/** Time between two looks at the server's sessions. */
const SAMPLE_MS = 2;

/** Sessions of the service that execute a statement, by what they wait for. */
interface Sessions {
  running: number;
  lock: number;
  flush: number;
  other: number;
}

/** A row of the table: milliseconds of a create. */
interface WaitRow {
  creates: string;
  connections: number;
  'per second': number;
  'p50 ms': number;
  'event loop': number;
  'running in PostgreSQL': number;
  'waiting for a lock': number;
  'waiting for a flush': number;
  'other waits': number;
}

/**
 * Measures where the time of a create goes while many run: on the event loop of this process, which serves them, and in PostgreSQL's
 * sessions, whose states are sampled. The mean number of sessions in a state, divided by the creates a second, is the time of a create in
 * that state (Little's law). What is left of its response time are queues, the network and the sender. A group of creates that are
 * stored together is one session.
 */
export async function measureWaits(
  databaseUrl: string,
  targets: Record<string, Target>,
  connections: readonly number[],
  milliseconds: number,
): Promise<WaitRow[]> {
  const observer = new pg.Client({ connectionString: databaseUrl });
  await observer.connect();
  try {
    const rows: WaitRow[] = [];
    for (const [creates, target] of Object.entries(targets)) {
      for (const count of connections) rows.push(await measureWait(observer, creates, target, count, milliseconds));
    }
    return rows;
  } finally {
    await observer.end();
  }
}

async function measureWait(
  observer: pg.Client,
  creates: string,
  target: Target,
  connections: number,
  milliseconds: number,
): Promise<WaitRow> {
  let isLoaded = true;
  const before = performance.eventLoopUtilization();
  const sampled = sampleSessions(observer, () => isLoaded);
  const { perSecond, p50Ms, failed } = await load(target, connections, milliseconds).finally(() => {
    isLoaded = false;
  });
  if (failed > 0) throw new Error(`${creates}: ${failed} unexpected responses`);
  const { utilization } = performance.eventLoopUtilization(before);
  const sessions = await sampled;
  const ofCreate = (mean: number) => round((1_000 * mean) / perSecond);
  return {
    creates,
    connections,
    'per second': Math.round(perSecond),
    'p50 ms': round(p50Ms),
    'event loop': ofCreate(utilization),
    'running in PostgreSQL': ofCreate(sessions.running),
    'waiting for a lock': ofCreate(sessions.lock),
    'waiting for a flush': ofCreate(sessions.flush),
    'other waits': ofCreate(sessions.other),
  };
}

/** Returns the mean number of sessions in each state, while `isLoaded` returns true. */
async function sampleSessions(observer: pg.Client, isLoaded: () => boolean): Promise<Sessions> {
  const sums: Sessions = { running: 0, lock: 0, flush: 0, other: 0 };
  let samples = 0;
  while (isLoaded()) {
    const { rows } = await observer.query<Sessions>(SESSIONS);
    const [sample] = rows as [Sessions];
    for (const state of Object.keys(sums) as (keyof Sessions)[]) sums[state] += sample[state];
    samples++;
    await sleep(SAMPLE_MS);
  }
  for (const state of Object.keys(sums) as (keyof Sessions)[]) sums[state] /= Math.max(1, samples);
  return sums;
}

/** A flush is waited for by the session that writes the log, and by those that wait for that session. */
const SESSIONS = {
  name: 'sample_sessions',
  text: `select
      count(*) filter (where wait_event is null)::int as running,
      count(*) filter (where wait_event_type = 'Lock')::int as lock,
      count(*) filter (where wait_event ilike 'wal%')::int as flush,
      count(*) filter (where wait_event_type <> 'Lock' and wait_event not ilike 'wal%')::int as other
    from pg_stat_activity
    where state = 'active' and backend_type = 'client backend' and datname = current_database() and pid <> pg_backend_pid()`,
};

function round(ms: number): number {
  return Math.round(ms * 100) / 100;
}
