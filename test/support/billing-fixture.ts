import pg from 'pg';
import { vi } from 'vitest';
import type { ServiceConfig } from '../../api/bootstrap.ts';
import type { WhopConfig } from '../../api/config.ts';
import {
  startWhopSimulator,
  type WhopSimulator,
  type WhopSimulatorOptions,
} from '../../scripts/whop-simulator/server.ts';
import { startTestService, type TestService } from './service.ts';

/** A node with background jobs, a Whop simulator, and functions that read the resulting state. */
export interface BillingFixture {
  node: TestService;
  whop: WhopSimulator;
  sql: pg.Client;
  /** Returns the account of a Whop user. */
  account(whopUserId: string | undefined): Promise<Account | undefined>;
  /** Returns the templates of the e-mails to a Whop user, in the order they were enqueued. */
  mails(whopUserId: string | undefined): Promise<string[]>;
  /** Returns the rows of the webhook inbox. */
  inbox(): Promise<InboxRow[]>;
  /** Waits until every job is done or failed permanently. `hurry` retries failed jobs at once. */
  settled(options?: { hurry?: boolean }): Promise<void>;
  close(): Promise<void>;
}

export interface Account {
  id: string;
  email: string | null;
  plan: string;
  status: string;
  memberships: { id: string; status: string; tier: string; confirmed: boolean }[];
  claims: number;
  keys: number;
}

interface InboxRow {
  webhook_id: string;
  type: string;
  deliveries: number;
  ignored: boolean;
  done: boolean;
  attempts: number;
  last_error: string | null;
}

/** Starts the node and the simulator. */
export async function openBillingFixture(
  settings: Omit<Partial<ServiceConfig>, 'whop'> & { whop?: Partial<WhopConfig> } = {},
  options: WhopSimulatorOptions = {},
): Promise<BillingFixture> {
  const whop = await startWhopSimulator(options);
  const node = await startTestService({ jobs: true, ...settings, whop: { ...whop.config, ...settings.whop } });
  whop.webhookUrl = `${node.url}/webhooks/whop`;
  const sql = new pg.Client(node.databaseUrl);
  await sql.connect();
  sql.on('error', () => undefined);

  const fixture: BillingFixture = {
    node,
    whop,
    sql,
    async account(whopUserId) {
      const { rows } = await sql.query<Account>(
        `select id, email, plan, status,
            (
              select coalesce(
                json_agg(
                  json_build_object('id', m.id, 'status', m.status, 'tier', m.tier, 'confirmed', m.confirmed)
                  order by m.id
                ),
                '[]'
              )
              from memberships m
              where m.user_id = u.id
            ) as memberships,
            (
              select count(*)::int
              from claims c
              where c.user_id = u.id
            ) as claims,
            (
              select count(*)::int
              from api_keys k
              where k.user_id = u.id
            ) as keys
          from users u
          where whop_user_id = $1`,
        [whopUserId],
      );
      return rows[0];
    },
    async mails(whopUserId) {
      const { rows } = await sql.query(
        `select template
          from outbox o
          join users u on u.id = o.user_id
          where whop_user_id = $1
          order by o.id`,
        [whopUserId],
      );
      return rows.map(({ template }) => template);
    },
    async inbox() {
      const { rows } = await sql.query<InboxRow>(
        `select webhook_id, type, deliveries, ignored, processed_at is not null as done, attempts, last_error
          from webhook_inbox order by received_at, webhook_id`,
      );
      return rows;
    },
    async settled({ hurry = false } = {}) {
      const isIdle = async () => {
        if (hurry) {
          // The queue's own notification of a new job: otherwise a worker polls only every two seconds.
          await sql.query(
            `with due as (
                update graphile_worker._private_jobs
                set run_at = now()
                where run_at > now()
                  and locked_at is null
                  and attempts between 1 and max_attempts - 1
                returning id
              )
              select pg_notify('jobs:insert', '{"r":"hurry","count":1}') from due`,
          );
        }
        const { rows } = await sql.query(
          'select from graphile_worker._private_jobs where attempts < max_attempts or locked_at is not null',
        );
        return rows.length === 0;
      };
      await vi.waitUntil(isIdle, { timeout: 25_000, interval: 20 });
    },
    async close() {
      await Promise.all([sql.end(), whop.close()]);
      await node.stop();
    },
  };
  await fixture.settled();
  return fixture;
}
