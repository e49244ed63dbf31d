import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { updateOperator } from '../../../db/queries/accounts/users.ts';
import { WEBHOOK_ATTEMPTS_MAX } from '../../../db/queries/billing/webhook-inbox.ts';
import { enqueue } from '../../../db/queries/jobs/job-queue.ts';
import { exportAccountJob } from '../../../db/queries/jobs/job-types.ts';
import type { WhopEvent } from '../../../scripts/whop-simulator/server.ts';
import { type BillingFixture, openBillingFixture } from '../../support/billing-fixture.ts';
import type { Client, Json } from '../../support/client.ts';
import { expectProblem } from '../../support/openapi.ts';
import { startTestService } from '../../support/service.ts';

let bench: BillingFixture;
let operator: Client;
let operatorId: string;

beforeAll(async () => {
  bench = await openBillingFixture();
  const admin = await bench.node.newUser();
  await bench.node.service.database.ownerWrite((sql) => updateOperator(sql, admin.userId, true, new Date()));
  operatorId = admin.userId;
  operator = await admin.signIn();
});
afterAll(() => bench.close());

async function read(path: string): Promise<Json> {
  const { status, body, text } = await operator.get(path);
  expect(status, text).toBe(200);
  return body;
}

/** Returns the acts of the operator in the audit log of an account, oldest first. */
async function actsOn(userId: string | undefined): Promise<Json[]> {
  const { rows } = await bench.sql.query(
    'select action, target, details from audit_log where user_id = $1 and actor = $2 order by id',
    [userId, `operator:${operatorId}`],
  );
  return rows;
}

/** Runs in one transaction of the owner, so that no worker takes a job that it enqueues before the end. */
const inTransaction = (...statements: [text: string, values?: unknown[]][]) =>
  bench.node.service.database.ownerWrite(async (sql) => {
    for (const [text, values = []] of statements) await sql.query({ text, values });
  });

describe('webhooks', () => {
  it('are listed by state, shown without secrets, and processed again', async () => {
    const { whop } = bench;
    const membership = whop.buy('plan_pro');
    await whop.deliver(whop.events.at(-1) as WhopEvent);
    await bench.settled();
    const { id: userId } = (await bench.account(membership.person?.id)) as { id: string };
    whop.end(membership);
    const dead = whop.events.at(-1) as WhopEvent;
    whop.faults = { status: 404 };
    await whop.deliver(dead);
    await bench.settled({ hurry: true });
    whop.faults = {};

    const { results } = await read('/admin/webhooks?state=dead');
    expect(results).toMatchObject([{ webhook_id: dead.id, state: 'dead', attempts: WEBHOOK_ATTEMPTS_MAX }]);
    expect((await read('/admin/overview')).dead_webhooks).toBe(1);
    const shown = await operator.get(`/admin/webhooks/${dead.id}`);
    expect(shown.body).toMatchObject({ user_id: userId, payload: { data: { id: membership.id } } });
    expect(shown.text).not.toContain(membership.licenseKey);
    expect(shown.body.payload.data.license_key).toBe('[removed]');

    const replayed = await operator.post(`/admin/webhooks/${dead.id}/replay`, {});
    expect(replayed.body).toEqual({ webhook_id: dead.id, replayed: true, processed_at: null });
    await bench.settled();
    expect(await bench.account(membership.person?.id)).toMatchObject({ status: 'read_only' });
    expect((await read('/admin/webhooks?state=dead')).results).toEqual([]);
    expect(await actsOn(userId)).toEqual([{ action: 'webhooks.replay', target: dead.id, details: {} }]);

    const again = await operator.post(`/admin/webhooks/${dead.id}/replay`, {});
    expect(again.body).toMatchObject({ replayed: false, processed_at: expect.any(String) });
    expectProblem(await operator.get('/admin/webhooks/msg_none'), 404, 'not_found');
    expectProblem(await operator.post('/admin/webhooks/msg_none/replay', {}), 404, 'not_found');
  }, 60_000);

  it('are listed page by page, each once', async () => {
    await bench.sql.query(
      `insert into webhook_inbox (webhook_id, type, payload, received_at, ignored)
        select 'same_time/' || n, 'membership.x', '{}', '2026-11-01', true from generate_series(1, 5) n`,
    );
    const ids: string[] = [];
    for (let cursor = ''; ; ) {
      const page = await read(`/admin/webhooks?limit=2${cursor}`);
      ids.push(...page.results.map((row: Json) => row.webhook_id));
      if (!page.next_cursor) break;
      cursor = `&cursor=${page.next_cursor}`;
    }
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids).toHaveLength((await bench.inbox()).length);
    expect((await read(`/admin/webhooks/${encodeURIComponent('same_time/1')}`)).webhook_id).toBe('same_time/1');
  });
});

describe('failed jobs', () => {
  it('are listed with an error without personal data, and run again', async () => {
    const user = await bench.node.newUser();
    const exportId = '019ab0c0-0000-7000-8000-0000000000e1';
    await bench.node.service.database.ownerWrite(async (sql) => {
      await enqueue(sql, exportAccountJob, { user_id: user.userId, export_id: exportId }, { key: 'export:failed' });
      await sql.query({
        text: `update graphile_worker._private_jobs
          set attempts = max_attempts, last_error = 'bad text "of ada in her diary" of ada@example.com'
          where key = 'export:failed'`,
      });
    });
    const { results } = await read('/admin/jobs');
    expect(results).toMatchObject([{ task: 'export_account', last_error: 'bad text "…" of [e-mail]' }]);
    expect(Object.keys(results[0])).not.toContain('payload');
    expect((await read('/admin/overview')).dead_jobs).toBe(1);
    const [{ id }] = results;
    expect((await operator.post(`/admin/jobs/${id}/retry`, {})).body).toEqual({ id, retried: true });
    await bench.settled();
    expect((await read('/admin/jobs')).results).toEqual([]);
    expect(await actsOn(user.userId)).toEqual([
      { action: 'jobs.retry', target: id, details: { task: 'export_account' } },
    ]);
    expectProblem(await operator.post(`/admin/jobs/${id}/retry`, {}), 404, 'not_found');
    expectProblem(await operator.post('/admin/jobs/x/retry', {}), 400, 'invalid_request');
  });
});

describe('e-mails', () => {
  it('are listed by state without their data, and those that failed are sent again', async () => {
    const user = await bench.node.newUser({ email: 'ada@example.com' });
    const id = '019ab0c0-0000-7000-8000-0000000000a1';
    const data = { name: 'laptop', prefix: 'wm_test_abcd', last4: 'wxyz', at: '2026-11-02T09:45:30.000Z' };
    await inTransaction(
      [
        'select enqueue_mail($1, $2, $3, $4, $5, now())',
        [user.userId, id, 'ada@example.com', 'key_created', JSON.stringify(data)],
      ],
      [
        `update graphile_worker._private_jobs set attempts = max_attempts, last_error = 'no reply from ada@example.com'
          where key = $1`,
        [`mail:${id}`],
      ],
    );
    const failed = await operator.get('/admin/mails?state=failed');
    expect(failed.body.results).toMatchObject([
      { id, user_id: user.userId, recipient: 'ada@example.com', state: 'failed', last_error: 'no reply from [e-mail]' },
    ]);
    expect(failed.text).not.toContain('laptop');
    expect((await read('/admin/overview')).failed_mails).toBe(1);
    const path = `/admin/mails/${user.userId}/${id}/retry`;
    expect((await operator.post(path, {})).body).toEqual({ user_id: user.userId, id, retried: true });
    await bench.settled();
    const own = await read(`/admin/mails?user_id=${user.userId}`);
    expect(own.results).toMatchObject([{ id, state: 'sent', last_error: null }]);
    expect(await actsOn(user.userId)).toEqual([{ action: 'mails.retry', target: id, details: {} }]);

    const twice = await operator.post(path, {});
    expectProblem(twice, 422, 'unprocessable');
    expect(twice.body.detail).toBe('The e-mail has been sent.');
    await bench.sql.query('update outbox set sent_at = null, rejected_at = now() where id = $1', [id]);
    expect((await operator.post(path, {})).body.detail).toContain('rejected');
    expectProblem(await operator.post(`/admin/mails/${operatorId}/${id}/retry`, {}), 404, 'not_found');
  });
});

describe('reconciliation with Whop', () => {
  it('runs on request, and its differences are listed and erased with their account', async () => {
    const { whop } = bench;
    const membership = whop.buy('plan_pro');
    await whop.deliver(whop.events.at(-1) as WhopEvent);
    await bench.settled();
    const { id: userId } = (await bench.account(membership.person?.id)) as { id: string };
    await bench.sql.query("update users set plan = 'free' where id = $1", [userId]);
    const started = await operator.post('/admin/reconciliation', {});
    expect([started.status, started.body]).toEqual([202, { enqueued: true }]);
    await bench.settled();
    const { enabled, state, runs, differences } = await read('/admin/reconciliation');
    expect([enabled, state]).toEqual([true, 'idle']);
    expect(runs[0]).toMatchObject({ finished_at: expect.any(String), failed: 0, error: null });
    expect(differences[0]).toMatchObject({ user_id: userId, what: 'plan', from: 'free', to: 'pro' });
    expect(differences[0].reconciliation_id).toBe(runs[0].id);
    expect((await actsOn(operatorId)).map(({ action }) => action)).toContain('reconciliation.run');

    await bench.sql.query("update reconciliations set started_at = now() - interval '31 days' where id = $1", [
      runs.at(-1).id,
    ]);
    await operator.post('/admin/reconciliation', {});
    await bench.settled();
    const kept = (await read('/admin/reconciliation')).runs.map(({ id }: Json) => id);
    expect(kept).toContain(runs[0].id);
    expect(kept).not.toContain(runs.at(-1).id);
    await bench.sql.query('delete from usage_daily where user_id = $1', [userId]);
    await bench.sql.query('delete from users where id = $1', [userId]);
    const after = await read('/admin/reconciliation');
    expect(after.differences.map((one: Json) => one.user_id)).not.toContain(userId);
  });

  it('reports why it failed', async () => {
    bench.whop.faults = { status: 500 };
    await operator.post('/admin/reconciliation', {});
    await bench.settled({ hurry: true });
    bench.whop.faults = {};
    const [run] = (await read('/admin/reconciliation')).runs;
    expect(run.error).toContain('500');
    const { results } = await read('/admin/jobs');
    expect(results).toMatchObject([{ task: 'reconcile_memberships' }]);
    expect((await operator.post(`/admin/jobs/${results[0].id}/retry`, {})).status).toBe(200);
    await bench.settled();
    expect((await read('/admin/reconciliation')).runs[0].error).toBeNull();
  }, 60_000);

  it('is off where nothing is sold', async () => {
    const node = await startTestService();
    const admin = await node.newUser();
    await node.service.database.ownerWrite((sql) => updateOperator(sql, admin.userId, true, new Date()));
    const client = await admin.signIn();
    expect((await client.get('/admin/reconciliation')).body.enabled).toBe(false);
    expectProblem(await client.post('/admin/reconciliation', {}), 422, 'unprocessable');
    await node.stop();
  });
});
