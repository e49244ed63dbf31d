import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import type { Sql } from '../../client/sql.ts';

/*
 * A killed worker leaves its jobs locked, and graphile-worker unlocks them only after four hours, because it cannot distinguish a dead
 * worker from a slow one. PostgreSQL can: each worker holds an advisory lock, keyed by its id, on a connection of its own, and the lock
 * ends with the process.
 */

export interface Lease {
  release(): Promise<void>;
}

const LOCK = (holder: string) => `hashtext('job-lease'), hashtext(${holder})`;
const RETRY_MS = 500;
/** A worker may lock its first job shortly before it holds its lease. */
const GRACE = '2 seconds';

/** Holds the lease of a worker until it is released. Reconnects after a lost connection. */
export function holdLease(url: string, holder: string, onError: (error: Error) => void): Lease {
  const released = new AbortController();
  let client: pg.Client | undefined;

  async function hold(): Promise<void> {
    while (!released.signal.aborted) {
      client = new pg.Client({
        connectionString: url,
        application_name: 'whitemagic-job-lease',
        // Detects within a minute that a machine disappeared without closing its connection.
        options: '-c tcp_keepalives_idle=30 -c tcp_keepalives_interval=10 -c tcp_keepalives_count=3',
      });
      client.on('error', onError);
      const ended = new Promise((resolve) => client?.once('end', resolve));
      try {
        await client.connect();
        await client.query(`select pg_advisory_lock(${LOCK('$1')})`, [holder]);
        await ended;
      } catch (error) {
        if (!released.signal.aborted) onError(error as Error);
        await client.end().catch(() => undefined);
      }
      await delay(RETRY_MS, undefined, { signal: released.signal }).catch(() => undefined);
    }
  }

  const held = hold();
  return {
    async release() {
      released.abort();
      await client?.end().catch(() => undefined);
      await held;
    },
  };
}

/** Unlocks the jobs of dead workers, so that they run again immediately. Runs as the database owner. */
export async function freeLostJobs(sql: Sql): Promise<void> {
  await sql.query({
    text: `with holders as materialized (
        select distinct locked_by
        from graphile_worker.jobs
        where locked_by is not null and locked_at < now() - interval '${GRACE}'
      ), lost as materialized (
        select locked_by
        from holders
        where pg_try_advisory_xact_lock(${LOCK('locked_by')})
      )
      select graphile_worker.force_unlock_workers(array_agg(locked_by))
      from lost
      having count(*) > 0`,
  });
}
