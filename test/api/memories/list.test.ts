import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Json } from '../../support/client.ts';
import { startTestService, type TestService, type TestUser } from '../../support/service.ts';

let node: TestService;
let user: TestUser;

beforeAll(async () => {
  node = await startTestService();
  user = await node.newUser();
});
afterAll(() => node.stop());

/** Creates a user who stores these memories in this order. */
async function userWith(memories: object[]): Promise<TestUser> {
  const made = await node.newUser();
  for (const [index, memory] of memories.entries()) {
    const { status } = await made.api.post('/memories', { title: `M${index}`, content: `text ${index}`, ...memory });
    expect(status).toBe(201);
  }
  return made;
}

const titles = async (who: TestUser, query: string): Promise<string[]> => {
  const { status, body } = await who.api.get(`/memories${query}`);
  expect(status, JSON.stringify(body)).toBe(200);
  return body.results.map((memory: Json) => memory.title);
};

describe('GET /memories', () => {
  it('returns whole memories, newest first, with the total and a cursor', async () => {
    const owner = await userWith([{}, {}, {}]);
    const { body } = await owner.api.get('/memories?limit=2');
    expect(body).toMatchObject({ total: 3, truncated: false, next_cursor: expect.any(String) });
    expect(body.results.map((memory: Json) => memory.title)).toEqual(['M2', 'M1']);
    const { truncated: _t, next_offset: _n, ...whole } = (await owner.api.get(`/memories/${body.results[0].id}`)).body;
    expect(body.results[0]).toEqual(whole);
  });

  it('distinguishes an empty account from a filter without matches', async () => {
    const newcomer = await node.newUser();
    const empty = await newcomer.api.get('/memories?type=long_term');
    expect(empty.body).toEqual({
      results: [],
      total: 0,
      next_cursor: null,
      truncated: false,
      reason: 'nothing_stored',
    });
    const owner = await userWith([{}]);
    expect((await owner.api.get('/memories?type=long_term')).body.reason).toBe('nothing_matched');
    expect((await owner.api.get('/memories')).body).not.toHaveProperty('reason');
  });

  it('rejects unknown fields, invalid values and repeated parameters, and names each', async () => {
    const cases: [query: string, status: number, path: string][] = [
      ['?colour=red', 400, 'colour'],
      ['?type=medium_term', 400, 'type'],
      ['?status=deleted', 400, 'status'],
      ['?sort=size', 400, 'sort'],
      ['?order=up', 400, 'order'],
      ['?tags_match=none', 400, 'tags_match'],
      ['?limit=ten', 400, 'limit'],
      ['?limit=1.5', 400, 'limit'],
      ['?limit=', 400, 'limit'],
      ['?max_tokens=many', 400, 'max_tokens'],
      ['?limit=5&limit=6', 400, 'limit'],
      ['?type=short_term&type=long_term', 400, 'type'],
      ['?created_after=yesterday', 422, 'created_after'],
      ['?created_after=2026-02-30', 422, 'created_after'],
      ['?created_after=2026-01-01T10:00:00', 422, 'created_after'],
      ['?project=%00', 422, 'project'],
    ];
    for (const [query, status, path] of cases) {
      const rejected = await user.api.get(`/memories${query}`);
      expect(rejected.status, query).toBe(status);
      expect(
        rejected.body.errors.map((error: Json) => error.path),
        query,
      ).toEqual([path]);
    }
    const both = await user.api.get('/memories?colour=red&size=9&limit=x');
    expect(both.body.errors.map((error: Json) => error.path).sort()).toEqual(['colour', 'limit', 'size']);
  });

  it('clamps `limit` and `max_tokens` to their bounds', async () => {
    const owner = await userWith([{ title: 'first' }, { title: 'second' }]);
    for (const limit of [0, -1, 1]) expect(await titles(owner, `?limit=${limit}`), `${limit}`).toEqual(['second']);
    for (const limit of [201, 1_000_000]) expect(await titles(owner, `?limit=${limit}`)).toEqual(['second', 'first']);
    const page = async (max_tokens: number) => (await owner.api.get(`/memories?max_tokens=${max_tokens}`)).body;
    for (const max_tokens of [49, 1, 0, -5]) expect(await page(max_tokens)).toEqual(await page(50));
    expect((await page(10_000_000)).results).toHaveLength(2);
  });

  it('accepts limits of 1 and 200', async () => {
    for (const limit of [1, 200]) expect((await user.api.get(`/memories?limit=${limit}`)).status).toBe(200);
  });
});

describe('list filters', () => {
  it('type, status, project and session match exactly', async () => {
    const owner = await userWith([
      { title: 'short' },
      { title: 'long', type: 'long_term' },
      { title: 'p', project: 'p', session_id: 's' },
      { title: 'pp', project: 'pp', session_id: 'ss' },
      { title: 'gone' },
    ]);
    const gone = (await owner.api.get('/memories?limit=1')).body.results[0];
    await owner.api.delete(`/memories/${gone.id}`);
    expect(await titles(owner, '?type=long_term')).toEqual(['long']);
    expect(await titles(owner, '?status=archived')).toEqual(['gone']);
    expect(await titles(owner, '?status=all&type=short_term')).toEqual(['gone', 'pp', 'p', 'short']);
    expect(await titles(owner, '')).toEqual(['pp', 'p', 'long', 'short']);
    expect(await titles(owner, '?project=p')).toEqual(['p']);
    expect(await titles(owner, '?project=')).toEqual(['long', 'short']);
    expect(await titles(owner, '?session_id=ss')).toEqual(['pp']);
    expect(await titles(owner, '?session_id=')).toEqual(['long', 'short']);
    expect(await titles(owner, '?project=p&type=long_term')).toEqual([]);
  });

  it('tags match all, any or exactly, normalized like stored tags', async () => {
    const owner = await userWith([
      { title: 'none' },
      { title: 'a', tags: ['a'] },
      { title: 'b', tags: ['b'] },
      { title: 'ab', tags: ['a', 'b'] },
      { title: 'my', tags: ['My Tag'] },
    ]);
    expect(await titles(owner, '?tags=a')).toEqual(['ab', 'a']);
    expect(await titles(owner, '?tags=a,b')).toEqual(['ab']);
    expect(await titles(owner, '?tags=b&tags=a')).toEqual(['ab']);
    expect(await titles(owner, '?tags=a,b&tags_match=any')).toEqual(['ab', 'b', 'a']);
    expect(await titles(owner, '?tags=b,a&tags_match=exact')).toEqual(['ab']);
    expect(await titles(owner, '?tags=a&tags_match=exact')).toEqual(['a']);
    expect(await titles(owner, '?tags=%20MY%20%20tag')).toEqual(['my']);
    expect(await titles(owner, '?tags=never')).toEqual([]);
    expect(await titles(owner, '?tags=&tags_match=exact')).toEqual(['none']);
    expect(await titles(owner, '?tags_match=exact')).toEqual(['none']);
    expect(await titles(owner, '?tags=')).toHaveLength(5);
    expect(await titles(owner, '?tags=&tags_match=any')).toHaveLength(5);
  });

  it('normalize tags, projects and session ids, so that every spelling of a name finds the same memories', async () => {
    const [nfc, nfd] = ['caf\u00e9', 'cafe\u0301'];
    const owner = await userWith([
      { title: 'nfd', tags: [nfd], project: ` ${nfd}`, session_id: `${nfd}\u00a0` },
      { title: 'nfc', tags: [` ${nfc} `, nfd], project: nfc, session_id: nfc },
    ]);
    for (const name of [nfc, nfd, ` ${nfd} `].map(encodeURIComponent)) {
      for (const field of ['tags', 'project', 'session_id']) {
        expect(await titles(owner, `?${field}=${name}`), `${field} ${name}`).toEqual(['nfc', 'nfd']);
      }
      const header = (await owner.api.get('/memories', { 'X-WhiteMagic-Project': name })).body;
      expect(header.results.map((memory: Json) => [memory.project, memory.session_id, memory.tags])).toEqual([
        [nfc, nfc, [nfc]],
        [nfc, nfc, [nfc]],
      ]);
    }
    for (const project of [nfc, nfd]) {
      const found = await owner.api.post('/search', { query: 'text', project, tags: [project], session_id: project });
      expect(found.body.total).toBe(2);
    }
    expect((await owner.api.get('/tags')).body.results).toMatchObject([{ tag: nfc, count: 2 }]);
  });

  it('name a tag with a comma in a JSON array', async () => {
    const owner = await userWith([
      { title: 'one', tags: ['a,b'] },
      { title: 'two', tags: ['a', 'b'] },
      { title: 'bracket', tags: ['[x'] },
    ]);
    expect(await titles(owner, '?tags=a,b')).toEqual(['two']);
    expect(await titles(owner, `?tags=${encodeURIComponent('["a,b"]')}`)).toEqual(['one']);
    expect(await titles(owner, `?tags=${encodeURIComponent('["A,B","a"]')}&tags_match=any`)).toEqual(['two', 'one']);
    expect(await titles(owner, `?tags=${encodeURIComponent('[x')}`)).toEqual(['bracket']);
    expect((await owner.api.get(`/memories?tags=${encodeURIComponent('[1]')}`)).status).toBe(400);
    expect((await owner.api.post('/search', { query: 'text', tags: ['a,b'] })).body.total).toBe(1);
  });

  it('a date in a range selects memories by their local day', async () => {
    const owner = await userWith([
      { title: 'New York', occurred_at: '2026-03-20T23:30:00-05:00' },
      { title: 'Tokyo', occurred_at: '2026-03-21T08:00:00+09:00' },
      { title: 'London', occurred_at: '2026-03-20T23:30:00Z' },
    ]);
    expect(await titles(owner, '?occurred_after=2026-03-20&occurred_before=2026-03-20')).toEqual([
      'London',
      'New York',
    ]);
    expect(await titles(owner, '?occurred_after=2026-03-21&occurred_before=2026-03-21')).toEqual(['Tokyo']);
    // A time of day is an instant.
    expect(await titles(owner, '?occurred_after=2026-03-21T00:00:00Z')).toEqual(['New York']);
  });

  it('time ranges include the start and exclude the end; memories without occurred_at match no range of it', async () => {
    const owner = await userWith([
      { title: 'never' },
      { title: 'first', occurred_at: '2026-01-01T00:00:00Z' },
      { title: 'second', occurred_at: '2026-01-02T00:00:00+02:00' },
    ]);
    expect(await titles(owner, '?occurred_after=2026-01-01')).toEqual(['second', 'first']);
    expect(await titles(owner, '?occurred_before=2025-12-31')).toEqual([]);
    expect(await titles(owner, '?occurred_before=2026-01-01T00:00:00Z')).toEqual([]);
    expect(await titles(owner, '?occurred_before=2026-01-01')).toEqual(['first']);
    expect(await titles(owner, '?occurred_before=2026-01-02')).toEqual(['second', 'first']);
    expect(await titles(owner, '?occurred_after=2026-01-01T22:00:00Z')).toEqual(['second']);
    expect(await titles(owner, '?occurred_before=2026-01-01T22:00:00Z')).toEqual(['first']);
    const [second] = (await owner.api.get('/memories?limit=1')).body.results;
    expect(await titles(owner, `?created_after=${second.created_at}`)).toContain('second');
    expect(await titles(owner, `?created_before=${second.created_at}`)).not.toContain('second');
    expect(await titles(owner, '?created_before=2020-01-01')).toEqual([]);
    expect(await titles(owner, `?created_before=${second.created_at.slice(0, 10)}`)).toContain('second');
  });
});

describe('list sort', () => {
  it('orders by creation, update, occurrence or title, ascending and descending', async () => {
    const owner = await userWith([
      { title: 'b', occurred_at: '2020-03-01' },
      { title: 'C', occurred_at: '2020-01-01' },
      { title: 'ä', occurred_at: '2020-02-01' },
      { title: 'a' },
    ]);
    const first = (await owner.api.get('/memories?order=asc&limit=1')).body.results[0];
    await owner.api.patch(`/memories/${first.id}`, { metadata: { touched: true } });
    const orders: [sort: string, ascending: string[]][] = [
      ['created_at', ['b', 'C', 'ä', 'a']],
      ['updated_at', ['C', 'ä', 'a', 'b']],
      // A memory without occurred_at sorts by its creation.
      ['occurred_at', ['C', 'ä', 'b', 'a']],
      ['title', ['C', 'a', 'b', 'ä']],
    ];
    for (const [sort, ascending] of orders) {
      expect(await titles(owner, `?sort=${sort}&order=asc`), sort).toEqual(ascending);
      expect(await titles(owner, `?sort=${sort}`), sort).toEqual(ascending.toReversed());
    }
  });
});

describe('GET /tags', () => {
  it('counts the tags of active memories, most used first, with the types of those memories', async () => {
    const owner = await userWith([
      { tags: ['b', 'a'] },
      { tags: ['a'], type: 'long_term' },
      { tags: ['c'] },
      { tags: ['gone'] },
    ]);
    await owner.api.delete(`/memories/${(await owner.api.get('/memories?limit=1')).body.results[0].id}`);
    const { body } = await owner.api.get('/tags');
    expect(body).toEqual({
      results: [
        { tag: 'a', count: 2, types: ['long_term', 'short_term'] },
        { tag: 'b', count: 1, types: ['short_term'] },
        { tag: 'c', count: 1, types: ['short_term'] },
      ],
      total: 3,
      next_cursor: null,
    });
    const first = (await owner.api.get('/tags?limit=2')).body;
    const rest = (await owner.api.get(`/tags?limit=2&cursor=${first.next_cursor}`)).body;
    expect([...first.results, ...rest.results]).toEqual(body.results);
    expect(rest.next_cursor).toBeNull();
  });
});

describe('GET /stats', () => {
  it('counts memories by type and status, tags and bytes, and returns the last consolidation', async () => {
    const owner = await userWith([{ tags: ['a'] }, { tags: ['a', 'b'], type: 'long_term' }, { content: 'ü' }]);
    await owner.api.delete(`/memories/${(await owner.api.get('/memories?limit=1')).body.results[0].id}`);
    const { body } = await owner.api.get('/stats');
    expect(body).toEqual({
      memories: { total: 3, active: 2, archived: 1, short_term: 2, long_term: 1 },
      tags: 2,
      // Titles of two bytes; contents of six, six and two; tags of one byte each.
      storage: { bytes: 3 * 2 + 6 + 6 + 2 + 3, limit_bytes: 10_000_000_000 },
      embedding: {
        state: 'disabled',
        model: null,
        languages: null,
        pending: 0,
        failed: 0,
        failures: [],
        truncated: 0,
        passages_max: 512,
      },
      last_consolidation_at: null,
    });
    await owner.api.post('/consolidate', { dry_run: true, min_age_days: 0 });
    expect((await owner.api.get('/stats')).body.last_consolidation_at).toBeNull();
    await owner.api.post('/consolidate', { dry_run: false, min_age_days: 0 });
    expect(Date.now() - Date.parse((await owner.api.get('/stats')).body.last_consolidation_at)).toBeLessThan(60_000);
  });
});
