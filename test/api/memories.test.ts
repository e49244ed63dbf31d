import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestService, type TestService, type TestUser } from '../support/service.ts';

let node: TestService;
let user: TestUser;

beforeAll(async () => {
  node = await startTestService();
  user = await node.newUser();
});
afterAll(() => node.stop());

const note = (title: string, more = {}) => ({ title, content: `About ${title}`, ...more });

describe('a created memory', () => {
  it('is answered as it is stored, with 201, its address and its ETag', async () => {
    const created = await user.api.post('/memories', {
      title: 'Deploys',
      content: 'We deploy on Fridays.\n`snake_case` stays.',
      tags: [' My Tag ', 'my tag', ''],
      metadata: { importance: 0.5, nested: { list: [1, 'ü'] } },
      project: 'shop',
      session_id: 's1',
      occurred_at: '2026-11-02',
    });
    expect(created.status).toBe(201);
    expect(created.headers.get('location')).toBe(`/api/v1/memories/${created.body.id}`);
    expect(created.headers.get('etag')).toBe('"1"');
    expect(created.body).toMatchObject({
      type: 'short_term',
      status: 'active',
      tags: ['my_tag'],
      project: 'shop',
      session_id: 's1',
      occurred_at: '2026-11-02T00:00:00.000Z',
      version: 1,
      deduplicated: false,
      changed: [],
    });
    const read = await user.api.get(`/memories/${created.body.id}`);
    expect(read.body.content).toBe('We deploy on Fridays.\n`snake_case` stays.');
    expect(read.body.metadata).toEqual({ importance: 0.5, nested: { list: [1, 'ü'] } });
  });

  it('is found by the next call', async () => {
    await user.api.post('/memories', { title: 'Zebra', content: 'stripes everywhere' });
    const found = await user.api.post('/search', { query: 'which animal has stripes?' });
    expect(found.body.results[0]).toMatchObject({ title: 'Zebra', matched: ['stripes'] });
    expect(found.body.results[0].snippet).toContain('**stripes**');
  });

  it('that repeats an active one answers that one with 200, which takes up new tags and metadata', async () => {
    const first = await user.api.post('/memories', note('twin', { tags: ['a'], metadata: { x: 1 } }));
    const again = await user.api.post('/memories', note('twin', { tags: ['b'], metadata: { y: 2 } }));
    expect(again.status).toBe(200);
    expect(again.body).toMatchObject({
      id: first.body.id,
      deduplicated: true,
      changed: ['tags', 'metadata'],
      tags: ['a', 'b'],
      metadata: { x: 1, y: 2 },
      version: 2,
    });
  });
});
