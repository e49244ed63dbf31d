import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ApiResponse, Json } from '../../support/client.ts';
import { marked } from '../../support/retrieval.ts';
import { startTestService, type TestService, type TestUser } from '../../support/service.ts';

let node: TestService;
let user: TestUser;

beforeAll(async () => {
  node = await startTestService();
  user = await node.newUser();
});
afterAll(() => node.stop());

const note = (title: string, more = {}) => ({ title, content: `About ${title}`, ...more });

describe('POST /memories', () => {
  it('returns the stored memory with 201, Location and ETag', async () => {
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

  it('makes the memory findable by the next call', async () => {
    await user.api.post('/memories', { title: 'Zebra', content: 'stripes everywhere' });
    const found = await user.api.post('/search', { query: 'which animal has stripes?' });
    expect(found.body.results[0]).toMatchObject({ title: 'Zebra', matched: ['stripes'] });
    expect(marked(found.body.results[0])).toContain('**stripes**');
  });

  it('returns the existing memory with 200 for an exact duplicate, and merges tags and metadata into it', async () => {
    const first = await user.api.post('/memories', note('duplicate', { tags: ['a'], metadata: { x: 1 } }));
    const again = await user.api.post('/memories', note('duplicate', { tags: ['b'], metadata: { y: 2 } }));
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

describe('large numbers', () => {
  const post = (metadata: string) => user.api.post('/memories', `{"title":"n","content":"n","metadata":${metadata}}`);

  it.each([
    ['{"n":12345678901234567890}', 'metadata.n'],
    ['{"n":9007199254740992}', 'metadata.n'],
    ['{"n":-9007199254740993}', 'metadata.n'],
    ['{"deep":[{"list":[1,10000000000000000000000001]}]}', 'metadata.deep.0.list.1'],
    ['{"\\"quoted\\" 1234567890123456":[12345678901234567890]}', 'metadata."quoted" 1234567890123456.0'],
  ])('rejects the integer in %s by its path', async (metadata, path) => {
    const rejected = await post(metadata);
    expect([rejected.status, rejected.body.errors?.[0]?.path]).toEqual([422, path]);
    expect(rejected.body.detail).toContain('2^53');
  });

  it('stores safe integers, fractions, exponents and digits in strings as they are', async () => {
    const metadata =
      '{"max":9007199254740991,"min":-9007199254740991,"exp":1e300,"pi":3.141592653589793,"text":"12345678901234567890","escaped":"\\\\\\"12345678901234567890"}';
    const { status, body } = await post(metadata);
    expect([status, body.metadata]).toEqual([201, JSON.parse(metadata)]);
  });

  it('are rejected in PATCH, metadata_merge, PUT and batch too', async () => {
    const { body } = await user.api.post('/memories', note('numbers'));
    const number = '12345678901234567890';
    const requests: [method: string, path: string, body: string, field: string][] = [
      ['PATCH', `/memories/${body.id}`, `{"metadata":{"n":${number}}}`, 'metadata.n'],
      ['PATCH', `/memories/${body.id}`, `{"metadata_merge":{"n":[${number}]}}`, 'metadata_merge.n.0'],
      ['PUT', `/memories/${body.id}`, `{"title":"t","content":"c","metadata":{"n":${number}}}`, 'metadata.n'],
      [
        'POST',
        '/memories/batch',
        `{"memories":[{"title":"t","content":"c","metadata":{"n":${number}}}]}`,
        'memories.0.metadata.n',
      ],
    ];
    for (const [method, path, given, field] of requests) {
      const rejected = await user.api.request(method, path, given);
      expect([rejected.status, rejected.body.errors?.[0]?.path]).toEqual([422, field]);
    }
  });
});

describe('exact duplicate', () => {
  it('has the same project, session, time, title, content, type, expiry and superseded memory', async () => {
    const old = await user.api.post('/memories', note('predecessor'));
    const base = note('original', { project: 'p', session_id: 's', occurred_at: '2026-01-01' });
    const first = await user.api.post('/memories', base);
    const others = [
      { type: 'long_term' },
      { expires_at: '2031-01-01' },
      { supersedes: old.body.id },
      { project: 'q' },
      { project: null },
      { session_id: 't' },
      { session_id: null },
      { occurred_at: '2026-01-02' },
      { occurred_at: null },
      { title: 'original ' },
      { content: 'about original' },
    ];
    const ids = new Set([first.body.id]);
    for (const other of others) {
      const made = await user.api.post('/memories', { ...base, ...other });
      expect(made.status, JSON.stringify(other)).toBe(201);
      ids.add(made.body.id);
    }
    expect(ids.size).toBe(others.length + 1);
    for (const other of [{}, ...others]) {
      const again = await user.api.post('/memories', { ...base, ...other });
      expect(again.status, JSON.stringify(other)).toBe(200);
      expect(again.body.deduplicated).toBe(true);
      expect(ids).toContain(again.body.id);
    }
  });

  it('writes no version without new tags or metadata', async () => {
    const first = await user.api.post('/memories', note('nothing new', { tags: ['a', 'b'], metadata: { x: 1 } }));
    const again = await user.api.post('/memories', note('nothing new', { tags: ['B '], metadata: { x: 1 } }));
    expect(again.body).toMatchObject({ id: first.body.id, deduplicated: true, changed: [], version: 1 });
    expect((await user.api.get(`/memories/${first.body.id}/versions`)).body.total).toBe(0);
  });

  it('is stored as a new memory when the existing one is archived', async () => {
    const first = await user.api.post('/memories', note('once archived'));
    await user.api.delete(`/memories/${first.body.id}`);
    const again = await user.api.post('/memories', note('once archived'));
    expect(again.status).toBe(201);
    expect(again.body.id).not.toBe(first.body.id);
  });

  it('is stored once by twenty concurrent creates, which all return that memory', async () => {
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, i) => user.api.post('/memories', note('stampede', { tags: [`t${i}`] }))),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([...Array(19).fill(200), 201]);
    expect(new Set(answers.map(({ body }) => body.id)).size).toBe(1);
    const listed = await user.api.get('/memories?session_id=&tags=t0');
    expect(listed.body.total).toBe(1);
    expect(listed.body.results[0].tags.toSorted()).toEqual(Array.from({ length: 20 }, (_, i) => `t${i}`).sort());
  });
});

describe('project', () => {
  it('defaults to the X-WhiteMagic-Project header, and null overrides it', async () => {
    const header = { 'X-WhiteMagic-Project': 'sh%C3%B6p' };
    const byHeader = await user.api.post('/memories', note('in the shop'), header);
    const named = await user.api.post('/memories', note('elsewhere', { project: 'barn' }), header);
    const none = await user.api.post('/memories', note('nowhere', { project: null }), header);
    expect([byHeader, named, none].map(({ body }) => body.project)).toEqual(['shöp', 'barn', null]);
  });

  it('of the connection narrows lists and searches to it and no project; "*" selects all projects', async () => {
    const other = await node.newUser();
    for (const project of ['a', 'b', null]) await other.api.post('/memories', note('lighthouse', { project }));
    const header = { 'X-WhiteMagic-Project': 'a' };
    const projects = async (query: string, headers = {}) =>
      (await other.api.get(`/memories${query}`, headers)).body.results.map((m: { project: string }) => m.project);
    expect(await projects('', header)).toEqual([null, 'a']);
    expect(await projects('?project=*', header)).toEqual([null, 'b', 'a']);
    expect(await projects('?project=b', header)).toEqual(['b']);
    expect(await projects('?project=', header)).toEqual([null]);
    expect(await projects('')).toEqual([null, 'b', 'a']);
    const search = async (body: object, headers = {}) =>
      (await other.api.post('/search', { query: 'lighthouse', ...body }, headers)).body.total;
    expect(await search({}, header)).toBe(2);
    expect(await search({ project: '*' }, header)).toBe(3);
    expect(await search({ project: null }, header)).toBe(1);
  });

  it('rejects "*", which selects all projects in filters', async () => {
    const rejected = await user.api.post('/memories', note('star', { project: '*' }));
    expect(rejected.status).toBe(422);
    expect(rejected.body.errors[0].path).toBe('project');
  });
});

describe('supersedes', () => {
  it('links both memories while the successor is active', async () => {
    const old = await user.api.post('/memories', note('deploys on Friday'));
    const next = await user.api.post('/memories', note('deploys on Monday', { supersedes: old.body.id }));
    expect(next.body).toMatchObject({ supersedes: old.body.id, superseded_by: null });
    const superseded = async () => (await user.api.get(`/memories/${old.body.id}`)).body.superseded_by;
    expect(await superseded()).toBe(next.body.id);
    await user.api.delete(`/memories/${next.body.id}`);
    expect(await superseded()).toBeNull();
    await user.api.post(`/memories/${next.body.id}/restore`);
    expect(await superseded()).toBe(next.body.id);
  });

  it('rejects an unknown memory, one of another tenant, and the memory itself', async () => {
    const stranger = await node.newUser();
    const theirs = await stranger.api.post('/memories', note('theirs'));
    const random = '019ab0c0-0000-7000-8000-000000000000';
    const responses = [];
    for (const supersedes of [random, theirs.body.id]) {
      const rejected = await user.api.post('/memories', note('successor', { supersedes }));
      expect(rejected.status).toBe(422);
      expect(rejected.body.errors).toEqual([{ path: 'supersedes', message: `you have no memory ${supersedes}` }]);
      responses.push(rejected.text.replaceAll(supersedes, 'ID').replace(rejected.body.request_id, ''));
    }
    expect(responses[0]).toBe(responses[1]);
    const own = await user.api.post('/memories', note('own successor'));
    const itself = await user.api.patch(`/memories/${own.body.id}`, { supersedes: own.body.id });
    expect(itself.status).toBe(422);
  });

  it('rejects a cycle of two or more memories, on update, replacement and restore', async () => {
    const [first, second, third] = [
      (await user.api.post('/memories', note('cycle 1'))).body.id,
      (await user.api.post('/memories', note('cycle 2'))).body.id,
      (await user.api.post('/memories', note('cycle 3'))).body.id,
    ];
    const patch = (id: string, supersedes: string | null) => user.api.patch(`/memories/${id}`, { supersedes });
    expect((await patch(second, first)).status).toBe(200);
    const short = await patch(first, second);
    expect(short.status).toBe(422);
    expect(short.body.errors).toEqual([
      { path: 'supersedes', message: `would form a cycle: memory ${second} already supersedes this one` },
    ]);
    expect((await patch(third, second)).status).toBe(200);
    expect((await patch(first, third)).body.errors[0].path).toBe('supersedes');
    expect((await user.api.put(`/memories/${first}`, note('cycle 1', { supersedes: third }))).status).toBe(422);
    // An archived memory is part of the chain: it may be restored.
    await user.api.delete(`/memories/${third}`);
    expect((await patch(first, third)).status).toBe(422);
    // A version with a link that has become a cycle.
    expect((await patch(second, null)).status).toBe(200);
    expect((await patch(first, second)).status).toBe(200);
    expect((await user.api.post(`/memories/${second}/restore`, { version: 2 })).status).toBe(422);
    expect((await user.api.get(`/memories/${second}`)).body.supersedes).toBeNull();
  });

  it('of two concurrent updates that would form a cycle rejects one', async () => {
    const [one, other] = [
      (await user.api.post('/memories', note('race 1'))).body.id,
      (await user.api.post('/memories', note('race 2'))).body.id,
    ];
    const answers = await Promise.all([
      user.api.patch(`/memories/${one}`, { supersedes: other }),
      user.api.patch(`/memories/${other}`, { supersedes: one }),
    ]);
    expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 422]);
  });

  it('and expiry hide memories from lists unless they are included', async () => {
    const owner = await node.newUser();
    const store = async (title: string, more = {}) => (await owner.api.post('/memories', note(title, more))).body.id;
    const old = await store('old');
    const middle = await store('middle', { supersedes: old });
    const newest = await store('newest', { supersedes: middle });
    const expired = await store('expired', { expires_at: '2020-01-01' });
    const list = async (query: string) => {
      const { body } = await owner.api.get(`/memories?order=asc${query}`);
      expect(body.total).toBe(body.results.length);
      return body.results.map(({ id }: Json) => id);
    };
    expect(await list('')).toEqual([newest]);
    expect(await list('&include_superseded=true')).toEqual([old, middle, newest]);
    expect(await list('&include_expired=true')).toEqual([newest, expired]);
    expect(await list('&include_superseded=true&include_expired=true')).toEqual([old, middle, newest, expired]);
    const { body } = await owner.api.get('/memories?order=asc&include_superseded=true&include_expired=true');
    expect(body.results.map(({ superseded_by }: Json) => superseded_by)).toEqual([middle, newest, null, null]);
    // A bulk change acts on them: they are what one wants to clean up.
    const bulk = { filter: { type: 'short_term' }, action: 'archive', dry_run: true };
    expect((await owner.api.post('/memories/bulk', bulk)).body.matched).toBe(4);
    // An archived successor supersedes nothing.
    await owner.api.delete(`/memories/${newest}`);
    expect(await list('')).toEqual([middle]);
  });
});

describe('GET /memories/{id}', () => {
  it('returns the whole content page by page within max_tokens', async () => {
    const content = Array.from({ length: 600 }, (_, i) => `word${i}`).join(' ');
    const { body } = await user.api.post('/memories', { title: 'long', content });
    let read = '';
    let offset: number | null = 0;
    let pages = 0;
    while (offset !== null) {
      const page: ApiResponse<Json> = await user.api.get(`/memories/${body.id}?max_tokens=400&offset=${offset}`);
      expect(page.body.truncated).toBe(page.body.next_offset !== null);
      expect(page.body.content).not.toBe('');
      read += page.body.content;
      offset = page.body.next_offset;
      pages++;
    }
    expect(read).toBe(content);
    expect(pages).toBeGreaterThan(2);
  });
});

describe('near-duplicate', () => {
  it('is stored, and the response names the similar memory of the same project', async () => {
    const owner = await node.newUser();
    const first = await owner.api.post('/memories', {
      title: 'Kayak',
      content: 'The kayak in the boathouse by the lake is red.',
    });
    await owner.api.post('/memories', {
      title: 'Kayak',
      content: 'The kayak in the boathouse by the lake is red!',
      project: 'other',
    });
    await owner.api.post('/memories', { title: 'Canoe', content: 'Canoes are rented out at the harbour on Sundays.' });
    const second = await owner.api.post('/memories', {
      title: 'Kayak',
      content: 'The kayak in the boathouse by the lake is blue.',
    });
    expect(second.status).toBe(201);
    expect(second.body.similar).toEqual([{ id: first.body.id, score: expect.any(Number) }]);
    expect(second.body.similar[0].score).toBeGreaterThanOrEqual(0.6);
    expect(first.body.similar).toEqual([]);
    expect((await owner.api.get('/memories')).body.total).toBe(4);
  });
});
