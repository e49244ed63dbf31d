import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Json } from '../../support/client.ts';
import { search, storeAll, titlesOf } from '../../support/retrieval.ts';
import { startTestService, type TestService } from '../../support/service.ts';

const DAY_MS = 86_400_000;
let node: TestService;

beforeAll(async () => {
  node = await startTestService();
});
afterAll(() => node.stop());

const daysAgo = (days: number) => new Date(Date.now() - days * DAY_MS).toISOString();

async function clientWith(memories: readonly object[]) {
  const { api } = await node.newUser();
  await storeAll(api, memories);
  return api;
}

const DECISIONS = [
  { title: 'Old', content: 'We decided about the ledger database: MySQL.', occurred_at: daysAgo(400) },
  { title: 'New', content: 'The ledger moves to PostgreSQL.', occurred_at: daysAgo(1) },
];

describe('search for a time', () => {
  it('ranks a memory of the named time first, and hides none', async () => {
    const api = await clientWith(DECISIONS);
    expect(titlesOf(await search(api, 'what was decided about the ledger database'))).toEqual(['Old', 'New']);
    expect(titlesOf(await search(api, 'what was decided about the ledger database yesterday'))).toEqual(['New', 'Old']);
  });

  it('explains the share of the date, and only where the query names one', async () => {
    const api = await clientWith(DECISIONS);
    const dated = await search(api, { query: 'ledger yesterday', explain: true });
    expect(dated.results.map(({ explanation }: Json) => explanation.date)).toEqual([1, 0]);
    const undated = await search(api, { query: 'ledger', explain: true });
    for (const { explanation } of undated.results) expect(explanation).not.toHaveProperty('date');
  });

  it('finds a memory that was created at the named time and shares no word with the query', async () => {
    const api = await clientWith([{ title: 'Walrus', content: 'A walrus was seen.' }]);
    const found = await search(api, 'what happened today');
    expect(titlesOf(found)).toEqual(['Walrus']);
    expect(found.low_confidence).toBe(true);
    expect(titlesOf(await search(api, 'what happened last year'))).toEqual([]);
  });

  it('ranks memories from before or since a date first, and finds none by that alone', async () => {
    const api = await clientWith([
      { title: 'Long ago', content: 'The ledger ran on MySQL.', occurred_at: daysAgo(100) },
      { title: 'Lately', content: 'The ledger ran on PostgreSQL.', occurred_at: daysAgo(1) },
      { title: 'Walrus', content: 'A marmoset sleeps.' },
    ]);
    const query = 'what did the ledger run on';
    expect(titlesOf(await search(api, `${query} before last week`))).toEqual(['Long ago', 'Lately']);
    expect(titlesOf(await search(api, `${query} since last week`))).toEqual(['Lately', 'Long ago']);
  });

  it('keeps the order of its pages', async () => {
    const many = Array.from({ length: 9 }, (_, n) => ({
      title: `Note ${n}`,
      content: `Ledger note ${n}.`,
      occurred_at: daysAgo(n % 3),
    }));
    const api = await clientWith(many);
    const query = { query: 'ledger yesterday', limit: 4 };
    const whole = titlesOf(await search(api, { ...query, limit: 9 }));
    const first = await search(api, query);
    const second = await search(api, { ...query, cursor: first.next_cursor });
    expect([...titlesOf(first), ...titlesOf(second)]).toEqual(whole.slice(0, 8));
    expect(second.results[0].score).toBeLessThanOrEqual(first.results[3].score);
  });

  it('begins days at midnight of the time zone in the query', async () => {
    const api = await clientWith([
      { title: 'Late', content: 'Late deploy.', occurred_at: '2026-03-14T23:30:00-05:00' },
    ]);
    const date = async (timezone?: string) =>
      (await search(api, { query: 'deploy on March 14th, 2026', explain: true, timezone })).results[0].explanation.date;
    expect([await date('America/Chicago'), await date()]).toEqual([1, 1]);
  });

  it('compares an event that was given with an offset by its local day', async () => {
    const api = await clientWith([
      { title: 'Abroad', content: 'The harbor visit abroad.', occurred_at: '2026-03-20T23:30:00-05:00' },
      { title: 'In UTC', content: 'The harbor visit.', occurred_at: '2026-03-20T23:30:00Z' },
    ]);
    const dates = async (query: string, timezone?: string) => {
      const { results } = await search(api, { query, timezone, explain: true });
      return Object.fromEntries(
        results.map((one: { title: string; explanation: { date: number } }) => [one.title, one.explanation.date]),
      );
    };
    expect(await dates('harbor visit on March 20th, 2026')).toEqual({ Abroad: 1, 'In UTC': 1 });
    expect(await dates('harbor visit on March 21st, 2026')).toEqual({ Abroad: 0, 'In UTC': 0 });
    expect(await dates('harbor visit on March 21st, 2026', 'Europe/Berlin')).toEqual({ Abroad: 0, 'In UTC': 1 });
  });

  it('finds an event by the words of its local day', async () => {
    const api = await clientWith([
      { title: 'Visit', content: 'At the harbor.', occurred_at: '2026-03-20T23:30:00-05:00' },
    ]);
    expect(titlesOf(await search(api, { query: '2026-03-20' }))).toEqual(['Visit']);
    expect(titlesOf(await search(api, { query: 'friday' }))).toEqual(['Visit']);
    expect(titlesOf(await search(api, { query: 'saturday' }))).toEqual([]);
    await api.patch(`/memories/${(await api.get('/memories')).body.results[0].id}`, {
      occurred_at: '2026-03-20T23:30:00Z',
    });
    expect((await api.get('/memories')).body.results[0].occurred_at).toBe('2026-03-20T23:30:00.000Z');
    await api.patch(`/memories/${(await api.get('/memories')).body.results[0].id}`, {
      occurred_at: '2026-03-21T01:30:00+09:00',
    });
    expect(titlesOf(await search(api, { query: 'saturday' }))).toEqual(['Visit']);
  });

  it('rejects an unknown time zone by its name', async () => {
    const { api } = await node.newUser();
    const rejected = await api.post('/search', { query: 'x', timezone: 'Mars/Olympus' });
    expect(rejected.status).toBe(422);
    expect(rejected.body.errors).toEqual([
      { path: 'timezone', message: expect.stringContaining('IANA time zone, such as Europe/Berlin') },
    ]);
  });
});

it('context package prefers memories of the named time', async () => {
  const api = await clientWith(DECISIONS);
  const titles = async (query: string) => {
    const { context } = (await api.post('/context', { query, max_tokens: 400 })).body;
    return [...context.matchAll(/\*\*(Old|New)\*\*/g)].map(([, title]) => title);
  };
  expect((await titles('what was decided about the ledger database yesterday'))[0]).toBe('New');
});
