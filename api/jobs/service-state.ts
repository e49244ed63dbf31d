import type { Database } from '../../db/client/database.ts';
import { readServiceState } from '../../db/queries/jobs/service-state.ts';
import type { ServiceState } from '../observability/service-metrics.ts';

/** How long a measurement is used, so that several gauges and frequent scrapes cost one query. */
const KEPT_MS = 10_000;

/** Returns a function that measures the state of the service, at most once in ten seconds. */
export function createStateReader(database: Pick<Database, 'owner'>, now: () => Date): () => Promise<ServiceState> {
  let last: { at: number; state: Promise<ServiceState> } | undefined;
  const ageOf = (at: Date | null) =>
    at ? Math.max(0, (now().getTime() - at.getTime()) / 1000) : Number.POSITIVE_INFINITY;
  const read = async (): Promise<ServiceState> => {
    const row = await readServiceState(database.owner);
    return {
      due: row.due,
      dead: row.dead,
      oldestSeconds: row.oldest_seconds,
      emailsWaiting: row.emails_waiting,
      webhooksWaiting: row.webhooks_waiting,
      activeUsers: row.active_users,
      backupAgeSeconds: ageOf(row.backup_at),
      restoreTestAgeSeconds: ageOf(row.restore_test_at),
    };
  };
  return () => {
    if (last && performance.now() - last.at < KEPT_MS) return last.state;
    const state = read();
    last = { at: performance.now(), state };
    // A failed measurement is not kept.
    state.catch(() => {
      last = undefined;
    });
    return state;
  };
}
