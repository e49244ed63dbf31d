import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { v7 as uuidv7 } from 'uuid';
import { vi } from 'vitest';
import { startWorker, type Worker } from '../../api/jobs/worker.ts';
import { openMailTransport } from '../../api/mail/transport.ts';
import { createLog } from '../../api/observability/log.ts';
import { connect, type Database } from '../../db/client/database.ts';
import type { Sql } from '../../db/client/sql.ts';
import { insertEmail } from '../../db/queries/jobs/outbox.ts';
import { dropDatabase, freshDatabase } from './database.ts';

interface Job {
  task: string;
  attempts: number;
  max_attempts: number;
  locked_by: string | null;
  last_error: string | null;
  run_at: Date;
}

/** A database with one user, workers, and access to the queue. */
export interface JobFixture {
  url: string;
  dataDir: string;
  userId: string;
  database: Database;
  sql: pg.Client;
  /** Starts a worker in this process. */
  startWorker(smtpUrl?: string): Promise<Worker>;
  /** Enqueues an e-mail in a transaction of its own, or in that of `sql`. Returns its id. */
  post(options?: { template?: string; data?: Record<string, unknown>; sql?: Sql }): Promise<string>;
  jobs(): Promise<Job[]>;
  /** Waits until only permanently failed jobs are left. */
  settled(timeoutMs?: number): Promise<void>;
  close(): Promise<void>;
}

/** Public URL of the service whose jobs run. */
export const PUBLIC_URL = 'https://memory.example.com';

/** Data of the e-mail that `post` enqueues. */
export const KEY_CREATED = { name: 'laptop', prefix: 'wm_test_abcd', last4: 'wxyz', at: '2026-11-02T09:45:30.000Z' };

export async function openJobFixture(): Promise<JobFixture> {
  const url = await freshDatabase();
  const dataDir = await mkdtemp(join(tmpdir(), 'whitemagic-jobs-'));
  const database = connect({ url, onError: () => undefined });
  const sql = new pg.Client(url);
  await sql.connect();
  sql.on('error', () => undefined);
  const userId = uuidv7();
  await sql.query(
    "insert into users (id, email, plan, created_at, updated_at) values ($1, 'ann@example.com', 'pro', now(), now())",
    [userId],
  );
  const workers: Worker[] = [];

  const fixture: JobFixture = {
    url,
    dataDir,
    userId,
    database,
    sql,
    async startWorker(smtpUrl) {
      const transport = openMailTransport({ smtpUrl, mailFrom: 'WhiteMagic <noreply@localhost>', dataDir });
      const log = createLog({ level: 'silent', pretty: false });
      const worker = await startWorker(
        { database, transport, usageRetentionDays: 400, publicUrl: () => PUBLIC_URL, outgoing: { allowPrivate: true } },
        url,
        log,
      );
      workers.push(worker);
      return worker;
    },
    async post({ template = 'key_created', data = KEY_CREATED, sql } = {}) {
      const mail = {
        user_id: userId,
        id: uuidv7(),
        recipient: 'ann@example.com',
        template,
        data,
        created_at: new Date(),
      };
      if (sql) await insertEmail(sql, mail);
      else await database.write(userId, (own) => insertEmail(own, mail));
      return mail.id;
    },
    async jobs() {
      const { rows } = await sql.query<Job>(
        `select t.identifier as task, attempts, max_attempts, locked_by, last_error, run_at
          from graphile_worker._private_jobs j
          join graphile_worker._private_tasks t on t.id = j.task_id
          order by j.id`,
      );
      return rows;
    },
    async settled(timeoutMs = 20_000) {
      const open = async () => (await fixture.jobs()).filter((job) => job.attempts < job.max_attempts || job.locked_by);
      await vi.waitUntil(async () => (await open()).length === 0, { timeout: timeoutMs, interval: 20 });
    },
    async close() {
      await Promise.all(workers.map((worker) => worker.stop()));
      await sql.end();
      await database.close();
      await dropDatabase(url);
      await rm(dataDir, { recursive: true, force: true });
    },
  };
  return fixture;
}
