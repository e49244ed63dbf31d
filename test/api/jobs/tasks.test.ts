import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { defineTask, type TaskContext } from '../../../api/jobs/define-task.ts';
import { CRONTAB, createTaskList, TASKS } from '../../../api/jobs/tasks/index.ts';
import { enqueue } from '../../../db/queries/jobs/job-queue.ts';
import * as jobTypes from '../../../db/queries/jobs/job-types.ts';
import { type JobFixture, openJobFixture } from '../../support/job-fixture.ts';

const ROOT = join(import.meta.dirname, '../../..');
const context = {} as TaskContext;
const helpers = {} as never;

describe('task registry', () => {
  it('has one task per job type that can be enqueued', () => {
    const names = TASKS.map((task) => task.name);
    expect(new Set(names).size).toBe(names.length);
    expect(names).toEqual(expect.arrayContaining(Object.values(jobTypes).map((type) => type.name)));
  });

  it('runs every task on a schedule or has a job type for it', () => {
    const enqueued = Object.values(jobTypes).map((type) => type.name);
    const unreachable = TASKS.filter((task) => !task.schedule && !enqueued.includes(task.name));
    expect(unreachable.map((task) => task.name)).toEqual([]);
  });

  it('has one file per task, named after it', () => {
    const files = readdirSync(join(ROOT, 'api/jobs/tasks')).filter((file) => file !== 'index.ts');
    const names = TASKS.map((task) => `${task.name.replaceAll('_', '-')}.ts`);
    // The SQL function `enqueue_mail` fixes the name `send_mail`.
    expect(files.sort()).toEqual(names.map((name) => name.replace('send-mail', 'send-email')).sort());
  });

  it('writes the schedules as a crontab', () => {
    expect(CRONTAB.split('\n').sort()).toEqual([
      '* * * * * record_service_minute ?max=1',
      '*/10 * * * * reindex_terms',
      '*/5 * * * * send_usage_alerts',
      '11 4 * * * reconcile_memberships ?fill=1d',
      '17 * * * * back_up ?fill=1h&max=1',
      '17 * * * * delete_old_links_and_sessions',
      '23 * * * * delete_old_idempotency_keys',
      '29 * * * * delete_old_exports',
      '29 4 * * * delete_old_emails',
      '37 3 * * * reconcile_quotas ?fill=1d',
      '41 * * * * delete_old_usage_events',
      '43 * * * * delete_old_webhook_deliveries',
      '47 * * * * delete_old_imports',
      '47 * * * * purge_due_accounts ?fill=1d&max=1',
      '53 4 * * * delete_old_webhooks',
      '7 * * * * ensure_partitions ?fill=2h&max=5',
    ]);
  });
});

describe('task payload', () => {
  const received: unknown[] = [];
  const task = defineTask({
    name: 'example',
    payload: z.strictObject({ id: z.string() }),
    async run(payload) {
      received.push(payload);
    },
  });

  it('reaches the task as parsed', async () => {
    await task.handle({ id: 'a' }, context, helpers);
    expect(received).toEqual([{ id: 'a' }]);
  });

  it('may carry the field that a schedule adds', async () => {
    received.length = 0;
    await task.handle({ id: 'a', _cron: { ts: '2026-11-02T09:45:00.000Z', backfilled: false } }, context, helpers);
    expect(received).toEqual([{ id: 'a' }]);
  });

  it.each([
    ['a missing field', {}],
    ['a field of another type', { id: 1 }],
    ['an unknown field', { id: 'a', extra: true }],
    ['no object', 'a'],
    ['null', null],
  ])('with %s is rejected before the task runs', async (_name, payload) => {
    received.length = 0;
    await expect(task.handle(payload, context, helpers)).rejects.toThrow(z.ZodError);
    expect(received).toEqual([]);
  });

  it('of every task rejects an unknown field', async () => {
    const tasks = createTaskList(context);
    for (const { name } of TASKS) {
      await expect(async () => tasks[name]?.({ unknown: 1 }, helpers), name).rejects.toThrow(z.ZodError);
    }
  });
});

describe('enqueue', () => {
  let bench: JobFixture;
  beforeAll(async () => {
    bench = await openJobFixture();
  });
  afterAll(() => bench.close());

  it('adds a job with its payload, queue and attempts', async () => {
    const options = { key: 'a', queueName: 'one', maxAttempts: 3 };
    await bench.database.ownerWrite((sql) =>
      enqueue(sql, jobTypes.processWebhookJob, { webhook_id: 'msg_1' }, options),
    );
    const { rows } = await bench.sql.query(
      'select task_identifier, queue_name, max_attempts, key from graphile_worker.jobs',
    );
    expect(rows).toEqual([{ task_identifier: 'process_webhook', queue_name: 'one', max_attempts: 3, key: 'a' }]);
    await bench.sql.query("select graphile_worker.remove_job('a')");
  });

  it('rejects a malformed payload and adds no job', async () => {
    const payload = { user_id: 'not an id' };
    await expect(
      bench.database.ownerWrite((sql) => enqueue(sql, jobTypes.purgeAccountJob, payload, { key: 'a' })),
    ).rejects.toThrow(z.ZodError);
    expect(await bench.jobs()).toEqual([]);
  });

  it('leaves a job with a malformed payload in the queue, with the error, when it was added by other means', async () => {
    await bench.startWorker();
    await bench.sql.query(`select graphile_worker.add_job('purge_account', '{"account": 1}', max_attempts := 1)`);
    await bench.settled();
    expect(await bench.jobs()).toMatchObject([
      { task: 'purge_account', attempts: 1, last_error: expect.stringContaining('user_id') },
    ]);
  });
});

describe('graphile-worker', () => {
  it('is used by its public functions and views only', () => {
    const files = ['api', 'db', 'scripts', 'mcp'].flatMap((folder) =>
      readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
        .filter((file) => file.endsWith('.ts'))
        .map((file) => join(folder, file)),
    );
    expect(
      files.filter((file) => /graphile_worker\._|graphile-worker\/dist/.test(readFileSync(join(ROOT, file), 'utf8'))),
    ).toEqual([]);
  });

  it('is pinned to the version whose behavior the worker relies on', () => {
    const { dependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
    expect(dependencies['graphile-worker']).toMatch(/^\d+\.\d+\.\d+$/);
  });
});
