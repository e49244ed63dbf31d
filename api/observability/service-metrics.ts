import { Gauge, type Registry } from 'prom-client';

/** The state of the service across its nodes. */
export interface ServiceState {
  due: Record<string, number>;
  dead: Record<string, number>;
  oldestSeconds: number;
  emailsWaiting: number;
  webhooksWaiting: number;
  activeUsers: number;
  /** Seconds since the newest backup; infinite without one. */
  backupAgeSeconds: number;
  restoreTestAgeSeconds: number;
}

/** Connections of a pool of the database. */
export interface PoolState {
  pool: string;
  used: number;
  idle: number;
  /** Requests that wait for a connection. */
  waiting: number;
}

/**
 * Adds gauges of the whole service, the same from every node, and of the node's connections. They keep their last values while the
 * database cannot be reached.
 */
export function addServiceGauges(
  registers: [Registry],
  { readState, readPools }: { readState: () => Promise<ServiceState>; readPools: () => PoolState[] },
): void {
  const gauge = (name: string, help: string, value: (state: ServiceState) => number) =>
    new Gauge({
      name,
      help,
      registers,
      async collect() {
        const state = await readState().catch(() => undefined);
        if (state) this.set(value(state));
      },
    });
  const byTask = (name: string, help: string, values: (state: ServiceState) => Record<string, number>) =>
    new Gauge({
      name,
      help,
      labelNames: ['task'],
      registers,
      async collect() {
        const state = await readState().catch(() => undefined);
        if (!state) return;
        this.reset();
        for (const [task, count] of Object.entries(values(state))) this.set({ task }, count);
      },
    });
  gauge('whitemagic_active_users', 'Users who were active in the last 24 hours.', (state) => state.activeUsers);
  byTask('whitemagic_jobs_due', 'Background jobs that are due or run.', (state) => state.due);
  byTask('whitemagic_jobs_dead', 'Background jobs that failed for good.', (state) => state.dead);
  gauge('whitemagic_job_queue_age_seconds', 'Time that the oldest due job has waited.', (state) => state.oldestSeconds);
  gauge('whitemagic_emails_waiting', 'E-mails that are neither sent nor rejected.', (state) => state.emailsWaiting);
  gauge('whitemagic_webhooks_waiting', 'Webhooks of Whop that are not processed.', (state) => state.webhooksWaiting);
  gauge('whitemagic_backup_age_seconds', 'Age of the newest backup; infinite without one.', (s) => s.backupAgeSeconds);
  gauge(
    'whitemagic_restore_test_age_seconds',
    'Age of the newest successful restore test; infinite without one.',
    (state) => state.restoreTestAgeSeconds,
  );
  new Gauge({
    name: 'whitemagic_database_connections',
    help: 'Connections of this node to the database by pool, and requests that wait for one.',
    labelNames: ['pool', 'state'],
    registers,
    collect() {
      for (const { pool, used, idle, waiting } of readPools()) {
        this.set({ pool, state: 'used' }, used);
        this.set({ pool, state: 'idle' }, idle);
        this.set({ pool, state: 'waiting' }, waiting);
      }
    },
  });
}
