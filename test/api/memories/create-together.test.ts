import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestService, type TestService, type TestUser } from '../../support/service.ts';

let test: TestService;

beforeAll(async () => {
  test = await startTestService();
});
afterAll(() => test.stop());

/** Sends creates at once. The first is executed at once, so that the others become a group. */
async function createAtOnce(user: TestUser, bodies: readonly object[], headers: readonly object[] = []) {
  return Promise.all(bodies.map((body, place) => user.api.post('/memories', body, { ...headers[place] })));
}

const note = (n: number) => ({
  title: `Note ${n}`,
  content: `The ${['quay', 'loom', 'fern', 'kiln', 'moat', 'reed'][n % 6]} of lot ${n * 7919} stands near gate ${n * 104729}.`,
  tags: ['lots'],
});

/** Counts the transactions that the creates of a user took, by the transaction that wrote each memory. */
async function countTransactions(user: TestUser): Promise<number> {
  const { rows } = await test.service.database.owner.query(
    'select count(distinct xmin::text)::int as n from memories where user_id = $1',
    [user.userId],
  );
  return rows[0].n;
}

describe('concurrent creates of an account', () => {
  it('are stored in fewer transactions, and each gets its own memory', async () => {
    const user = await test.newUser({ plan: 'pro' });
    const responses = await createAtOnce(
      user,
      Array.from({ length: 8 }, (_, n) => note(n)),
    );
    expect(responses.map(({ status }) => status)).toEqual(Array(8).fill(201));
    expect(responses.map(({ body }) => body.title)).toEqual(Array.from({ length: 8 }, (_, n) => `Note ${n}`));
    expect(await countTransactions(user)).toBeLessThan(8);
    for (const { body } of responses) {
      const read = await user.api.get(`/memories/${body.id}`);
      const { deduplicated: _, changed: __, similar: ___, ...memory } = body;
      expect(read.body).toMatchObject(memory);
    }
  });

  it('are metered once each, with the units of one call', async () => {
    const user = await test.newUser({ plan: 'pro' });
    const responses = await createAtOnce(
      user,
      Array.from({ length: 8 }, (_, n) => note(n)),
    );
    const { rows } = await test.service.database.owner.query(
      `select id, units, status from usage_events where user_id = $1 and operation = 'memories.create'`,
      [user.userId],
    );
    expect(rows).toHaveLength(8);
    expect(new Set(rows.map(({ id }) => id))).toEqual(
      new Set(responses.map(({ headers }) => headers.get('x-usage-event'))),
    );
    expect(rows.every(({ units, status }) => units === 1 && status === 201)).toBe(true);
  });

  it('report the near-duplicates that were stored before them, also in the same group', async () => {
    const user = await test.newUser({ plan: 'pro' });
    const text = 'The staging database of the shop is restored from the nightly backup at four in the morning';
    const first = await user.api.post('/memories', { content: `${text}.` });
    const responses = await createAtOnce(user, [
      note(1),
      { content: `${text}, by Ann.` },
      note(2),
      { content: `${text}, by Ben.` },
    ]);
    const similarOf = ({ similar }: { similar: { id: string }[] }) => similar.map(({ id }) => id).sort();
    const [earlier, later] = [responses[1]?.body, responses[3]?.body].sort((a, b) => (a.id < b.id ? -1 : 1));
    expect(similarOf(earlier)).toEqual([first.body.id]);
    expect(similarOf(later)).toEqual([first.body.id, earlier.id].sort());
    expect(responses[0]?.body.similar).toEqual([]);
  });

  it('return the stored memory to exact duplicates', async () => {
    const user = await test.newUser({ plan: 'pro' });
    const responses = await createAtOnce(user, [note(0), note(1), note(1), { ...note(1), tags: ['more'] }, note(2)]);
    expect(responses.map(({ status }) => status)).toEqual([201, 201, 200, 200, 201]);
    expect(new Set(responses.slice(1, 4).map(({ body }) => body.id)).size).toBe(1);
    expect(responses[3]?.body.tags).toEqual(['lots', 'more']);
    const { body } = await user.api.get('/stats');
    expect(body.memories).toMatchObject({ total: 3 });
  });

  it('are rejected one by one', async () => {
    const user = await test.newUser({ plan: 'pro' });
    const missing = '01890000-0000-7000-8000-000000000000';
    const responses = await createAtOnce(user, [note(0), note(1), { ...note(2), supersedes: missing }, note(3)]);
    expect(responses.map(({ status }) => status)).toEqual([201, 201, 422, 201]);
    const { rows } = await test.service.database.owner.query(
      `select count(*)::int as events, sum(units)::int as units from usage_events
        where user_id = $1 and operation = 'memories.create'`,
      [user.userId],
    );
    expect(rows[0]).toEqual({ events: 4, units: 4 });
  });

  it('keep to the storage of the plan', async () => {
    const user = await test.newUser({ plan: 'pro', storageBytes: 1_000 });
    const responses = await createAtOnce(
      user,
      Array.from({ length: 8 }, (_, n) => ({ ...note(n), content: note(n).content.padEnd(300, ' lot') })),
    );
    const stored = responses.filter(({ status }) => status === 201);
    expect(stored.length).toBeGreaterThan(0);
    expect(responses.filter(({ status }) => status !== 201).every(({ body }) => body.code === 'storage_full')).toBe(
      true,
    );
    const { rows } = await test.service.database.owner.query(
      `select q.storage_bytes::int as counted, (select sum(size_bytes)::int from memories m where m.user_id = q.user_id) as stored
        from quotas q where user_id = $1`,
      [user.userId],
    );
    expect(rows[0].counted).toBe(rows[0].stored);
    expect(rows[0].counted).toBeLessThanOrEqual(1_000);
  });

  it('are replayed with an Idempotency-Key, also within a group', async () => {
    const user = await test.newUser({ plan: 'pro' });
    const keys = ['k0', 'k1', 'k1', 'k2'].map((key) => ({ 'Idempotency-Key': `group-${key}` }));
    const responses = await createAtOnce(user, [note(0), note(1), note(1), note(2)], keys);
    expect(responses.map(({ status }) => status)).toEqual([201, 201, 201, 201]);
    expect(responses[1]?.body.id).toBe(responses[2]?.body.id);
    const replayed = responses.map(({ headers }) => headers.get('idempotency-replayed'));
    expect(replayed.filter((value) => value === 'true')).toHaveLength(1);
    const again = await createAtOnce(user, [note(0), note(1), note(1), note(2)], keys);
    expect(again.map(({ body }) => body.id)).toEqual(responses.map(({ body }) => body.id));
  });

  it('leave the index that single creates leave', async () => {
    const user = await test.newUser({ plan: 'pro' });
    const alone = await test.newUser({ plan: 'pro' });
    const notes = Array.from({ length: 12 }, (_, n) => note(n));
    await createAtOnce(user, notes);
    for (const one of notes) await alone.api.post('/memories', one);
    const lexicon = async ({ userId }: TestUser) =>
      (
        await test.service.database.owner.query(
          'select lexeme, memories from lexicon where user_id = $1 order by lexeme',
          [userId],
        )
      ).rows;
    expect(await lexicon(user)).toEqual(await lexicon(alone));
  });
});
