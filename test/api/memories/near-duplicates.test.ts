import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Json } from '../../support/client.ts';
import { startTestService, type TestService } from '../../support/service.ts';

let node: TestService;

beforeAll(async () => {
  node = await startTestService();
});
afterAll(() => node.stop());

const TEXT = 'The deploy script of the billing service needs the flag --no-cache on request';

it('near-duplicates › are listed once per pair, by project, in pages that reach every memory', async () => {
  const { api } = await node.newUser();
  const store = async (content: string, project = 'p') =>
    (await api.post('/memories', { title: 'Deploy', content, project })).body.id as string;
  const oldest = await store(`${TEXT}.`);
  const elsewhere = await store(`${TEXT}!`, 'q');
  for (let n = 0; n < 8; n++)
    await store(`Subject ${n} about ${['owls', 'tides', 'maps', 'kilns'][n % 4]} and ${n * 7919}`);
  const middle = await store(`${TEXT}, and Fridays.`);
  const newest = await store(`${TEXT}, and at night.`);
  const { body } = await api.get('/near-duplicates');
  expect(body).toMatchObject({ compared: 12, next_cursor: null });
  const groups = body.results.map(({ id, similar }: Json) => [id, similar.map((one: Json) => one.id).sort()]);
  expect(groups).toEqual([
    [newest, [middle, oldest].sort()],
    [middle, [oldest]],
  ]);
  expect(body.results[0].similar[0]).toMatchObject({ title: 'Deploy', excerpt: expect.stringContaining(TEXT) });
  const paged: Json[] = [];
  let compared = 0;
  for (let cursor: string | null = ''; cursor !== null; ) {
    const page: Json = (await api.get(`/near-duplicates?limit=5${cursor && `&cursor=${cursor}`}`)).body;
    paged.push(...page.results);
    compared += page.compared;
    cursor = page.next_cursor;
  }
  expect([paged, compared]).toEqual([body.results, 12]);
  expect((await api.get('/near-duplicates?project=q')).body).toMatchObject({ compared: 1, results: [] });
  expect((await api.get('/near-duplicates?min_score=1')).body.results).toEqual([]);

  // Both ways to keep one of them.
  await api.patch(`/memories/${newest}`, { supersedes: middle });
  await api.delete(`/memories/${oldest}`);
  expect((await api.get('/near-duplicates')).body.results).toEqual([]);
  expect((await api.get(`/memories/${elsewhere}`)).body.status).toBe('active');
});

it('near-duplicates › of common words are compared with older memories only', async () => {
  const { api } = await node.newUser();
  for (let n = 0; n < 6; n++) await api.post('/memories', { title: `${n}`, content: 'amber birch cedar dune' });
  const { body } = await api.get('/near-duplicates?limit=3');
  expect(body.results.map(({ similar }: Json) => similar.length)).toEqual([5, 4, 3]);
  for (const { id, similar } of body.results) for (const one of similar) expect(one.id < id).toBe(true);
});
