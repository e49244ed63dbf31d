import { v7 as uuidv7 } from 'uuid';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newId } from '../../../api/ids.ts';
import { createTaskList } from '../../../api/jobs/tasks/index.ts';
import { reconcileQuotas } from '../../../api/usage/quota-reconciliation.ts';
import type { QuotaRepair } from '../../../db/queries/usage/quotas.ts';
import { startTestService, type TestService, type TestUser } from '../../support/service.ts';

let node: TestService;

beforeAll(async () => {
  node = await startTestService();
});
afterAll(() => node.stop());

const clock = { now: () => new Date(), newId: () => uuidv7() };
const sql = (text: string, values: unknown[] = []) => node.service.database.owner.query(text, values);

/** Reconciles all quotas and returns the repairs by user. */
async function reconcile(): Promise<Map<string, QuotaRepair>> {
  const repairs = new Map<string, QuotaRepair>();
  await reconcileQuotas(node.service.database, clock, (userId, repair) => repairs.set(userId, repair));
  return repairs;
}

async function storingUser(): Promise<TestUser> {
  const user = await node.newUser();
  const { body } = await user.api.post('/memories', { title: 'kelp', content: 'forests of kelp', tags: ['sea'] });
  await user.api.patch(`/memories/${body.id}`, { content: 'forests of giant kelp' });
  await user.api.post('/memories', { title: 'crab', content: 'a crab' });
  return user;
}

async function quotaOf(user: TestUser) {
  const { rows } = await sql(
    'select storage_bytes::int as storage_bytes, memories::int as memories, words::int as words from quotas where user_id = $1',
    [user.userId],
  );
  return rows[0];
}

async function repairsOf(user: TestUser) {
  const { rows } = await sql(
    "select actor, details from audit_log where user_id = $1 and action = 'quotas.repair' order by at",
    [user.userId],
  );
  return rows;
}

describe('quota reconciliation', () => {
  it('writes nothing when every quota is right', async () => {
    const [user, idle] = await Promise.all([storingUser(), node.newUser()]);
    const before = await quotaOf(user);
    expect(before).toMatchObject({ memories: 2 });
    expect(await reconcile()).toEqual(new Map());
    expect(await quotaOf(user)).toEqual(before);
    expect(await repairsOf(user)).toEqual([]);
    expect(await quotaOf(idle)).toBeUndefined();
  });

  it.each([
    ['too many bytes', 'update quotas set storage_bytes = storage_bytes + 7 where user_id = $1'],
    ['too few memories', 'update quotas set memories = 0 where user_id = $1'],
    ['a wrong number of terms', 'update quotas set words = words + 1 where user_id = $1'],
    ['no row', 'delete from quotas where user_id = $1'],
    ['all values wrong', 'update quotas set storage_bytes = 1, memories = 1, words = 1 where user_id = $1'],
  ])('repairs a quota with %s, with an audit row', async (_what, sabotage) => {
    const [user, other] = await Promise.all([storingUser(), storingUser()]);
    const right = await quotaOf(user);
    await sql(sabotage, [user.userId]);
    const wrong = (await quotaOf(user)) ?? { storage_bytes: 0, memories: 0, words: 0 };

    expect(await reconcile()).toEqual(new Map([[user.userId, { before: wrong, after: right }]]));
    expect(await quotaOf(user)).toEqual(right);
    expect(await repairsOf(user)).toEqual([{ actor: 'job', details: { before: wrong, after: right } }]);
    expect(await repairsOf(other)).toEqual([]);
    expect(await reconcile()).toEqual(new Map());
  });

  it('repairs a quota of memories that no longer exist', async () => {
    const user = await storingUser();
    await sql('delete from memories where user_id = $1', [user.userId]);
    await reconcile();
    expect(await quotaOf(user)).toEqual({ storage_bytes: 0, memories: 0, words: 0 });
  });

  it('finds no difference during concurrent writes, and repairs a wrong quota during them', async () => {
    const users = await Promise.all([storingUser(), storingUser(), storingUser()]);
    let writing = true;
    const writers = users.flatMap((user) =>
      [1, 2].map(async (writer) => {
        for (let count = 0; writing; count++) {
          const created = await user.api.post('/memories', {
            title: `${writer} ${count}`,
            content: 'x'.repeat(count % 50) || 'x',
          });
          expect(created.status).toBe(201);
          if (count % 3 === 0) await user.api.patch(`/memories/${created.body.id}`, { content: 'changed' });
          if (count % 3 === 1) await user.api.delete(`/memories/${created.body.id}?permanent=true`);
        }
      }),
    );
    const [victim, ...others] = users as [TestUser, ...TestUser[]];
    for (let run = 1; run <= 10; run++) expect(await reconcile()).toEqual(new Map());
    await sql('update quotas set storage_bytes = storage_bytes + 1000, words = words + 5 where user_id = $1', [
      victim.userId,
    ]);
    expect([...(await Promise.all([reconcile(), reconcile()])).flatMap((repairs) => [...repairs.keys()])]).toEqual([
      victim.userId,
    ]);
    for (let run = 1; run <= 5; run++) expect(await reconcile()).toEqual(new Map());
    writing = false;
    await Promise.all(writers);
    expect(await reconcile()).toEqual(new Map());
    expect(await repairsOf(victim)).toHaveLength(1);
    for (const other of others) expect(await repairsOf(other)).toEqual([]);
  });

  it('checks every tenant of many pages', async () => {
    const user = await storingUser();
    const { rows } = await sql(
      `with added as (
          insert into users (id, plan, created_at, updated_at) select gen_random_uuid(), 'free', now(), now() from generate_series(1, 350) returning id
        )
        insert into quotas (user_id, memories) select id, 1 from added returning user_id`,
    );
    const repaired = [...(await reconcile()).keys()];
    expect(repaired.toSorted()).toEqual(rows.map((row) => row.user_id).toSorted());
    expect(repaired).not.toContain(user.userId);
  });

  it('logs a warning for each repair when run as a job', async () => {
    const user = await storingUser();
    await sql('update quotas set memories = 9 where user_id = $1', [user.userId]);
    const warned: unknown[] = [];
    const taskList = createTaskList({
      database: node.service.database,
      transport: {} as never,
      usageRetentionDays: 400,
      publicUrl: () => '',
      clock: { now: () => new Date(), newId },
      log: { warn: (...entry: unknown[]) => warned.push(entry) } as never,
    });
    await taskList.reconcile_quotas?.({}, {} as never);
    expect(warned).toEqual([
      [
        { user_id: user.userId, before: expect.objectContaining({ memories: 9 }), after: await quotaOf(user) },
        'a quota differed from the stored memories and was repaired',
      ],
    ]);
  });
});
