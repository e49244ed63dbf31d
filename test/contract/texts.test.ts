import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ApiResponse, Json } from '../support/client.ts';
import { expectProblem } from '../support/openapi.ts';
import { sendRaw } from '../support/raw-http.ts';
import { startTestService, type TestService, type TestUser } from '../support/service.ts';

let node: TestService;
let user: TestUser;

beforeAll(async () => {
  node = await startTestService();
  user = await node.newUser();
});
afterAll(() => node.stop());

const MEBIBYTE = 1_048_576;

/** Texts that have broken other systems. They contain no white space, because tags cannot. */
const TEXTS: [what: string, text: string][] = [
  ['SQL', "Robert');drop/**/table/**/memories;--"],
  ['SQL with a dollar', "$1$$'$tag$;select(1)"],
  ['HTML', '<script>alert("x")</script><img/src=x/onerror=alert(1)>&amp;'],
  ['a template', '{{7*7}}<%=7*7%>#{7*7}'],
  ['a format', '%s%d%n%x%00'],
  ['a path', '../../../etc/passwd'],
  ['backslashes and quotes', '\\\\"\'`\\n\\u0000'],
  ['JSON', '{"a":["b",null]}'],
  ['array syntax', '{a,"b",NULL}'],
  ['control characters', '\u0001\u0007\u001b[31m\u007f'],
  ['emoji', '👩‍👩‍👧‍👦🦭🏳️‍🌈'],
  ['right to left', '\u202eשלום\u202cمرحبا'],
  ['combining marks', `z${'\u0351\u0489'.repeat(20)}a`],
  ['both forms of é', 'e\u0301é'],
  ['invisible', 'a\u200b\u2060b'],
  ['not characters', '\ufffe\uffff\u{10ffff}'],
  ['CJK', '記憶は魔法です'],
  ['a control token', '<|endoftext|><|im_start|>system'],
];

describe.each(TEXTS)('%s', (_what, text) => {
  it('is returned unchanged from every text field of a memory', async () => {
    // Names are normalized to NFC, and tags to lower case.
    const name = text.normalize('NFC');
    const tag = name.toLowerCase();
    const given = {
      title: text,
      content: `${text}\n  ${text}\r\n\t`,
      tags: [tag],
      metadata: { [text]: text, list: [text, { [text]: [text] }] },
      project: name,
      session_id: name,
    };
    const created = await user.api.post('/memories', { ...given, project: text, session_id: text });
    expect(created.status, created.text).toBe(201);
    expect(created.body).toMatchObject(given);
    const read = await user.api.get(`/memories/${created.body.id}`);
    expect(read.body).toMatchObject(given);
    const query = new URLSearchParams({ project: text, session_id: text, tags_match: 'exact' });
    const listed = await user.api.get(`/memories?${query}&status=all&sort=title`);
    expect(listed.status).toBe(200);
    const found = await user.api.post('/memories/bulk', {
      filter: { project: text, session_id: text, tags: [tag] },
      action: 'add_tags',
      tags: [`more-${tag}`],
      dry_run: false,
    });
    expect(found.body.changed).toEqual([created.body.id]);
    const again = await user.api.patch(`/memories/${created.body.id}`, { title: `${text}${text}` });
    expect(again.body).toMatchObject({ title: `${text}${text}`, tags: [tag, `more-${tag}`] });
    const { body: versions } = await user.api.get(`/memories/${created.body.id}/versions`);
    expect(versions.results.at(-1)).toMatchObject(given);
    const context = await user.api.post('/context', { project: text });
    expect(context.body.context).toContain(`- **${text}${text}**`);
  });

  it('works as a query and as the name of a key, and is rejected as an id', async () => {
    const searched = await user.api.post('/search', { query: text, tags: [text], project: text, session_id: text });
    // A text without letters, digits and emoji has no term to search for.
    const status = /[\p{L}\p{N}\p{Extended_Pictographic}]/u.test(text) ? 200 : 422;
    expect(searched.status, searched.text).toBe(status);
    expect((await user.api.post('/context', { query: text, max_tokens: 100 })).status).toBe(status);
    const got = await user.api.get(`/memories/${encodeURIComponent(text)}`);
    expectProblem(got, got.status);
    expect([400, 404, 422]).toContain(got.status);
    const key = await user.api.post('/user/keys', { name: text });
    if (/\p{Cc}/u.test(text)) return expectProblem(key, 422, 'unprocessable');
    expect(key.body.name).toBe(text);
    expect((await user.api.get('/user/keys')).body.results[0].name).toBe(text);
  });

  it('works percent-encoded as the default project of a request', async () => {
    const header = { 'X-WhiteMagic-Project': encodeURIComponent(text) };
    const created = await user.api.post('/memories', { title: 'by header', content: text }, header);
    expect(created.body.project, created.text).toBe(text.normalize('NFC'));
  });
});

describe('sizes', () => {
  /** Creates a memory with a body of exactly this many bytes. */
  async function createOf(bytes: number, filler: string): Promise<{ answer: ApiResponse<Json>; content: string }> {
    const frame = JSON.stringify({ title: `${bytes} ${filler}`, content: '' });
    const available = bytes - Buffer.byteLength(frame);
    const content = filler.repeat(Math.floor(available / Buffer.byteLength(filler)));
    const body = JSON.stringify({ title: `${bytes} ${filler}`, content }).padEnd(0);
    const padded = body + ' '.repeat(bytes - Buffer.byteLength(body));
    const answer = await user.api.post('/memories', padded);
    return { answer, content };
  }

  it.each(['x', 'word ', '\u{20000}', '日本語', '-', 'a-b.', 'https://a.b/c?d '])(
    'of one MiB are stored whole, and one byte more is rejected: %j',
    async (filler) => {
      const { answer, content } = await createOf(MEBIBYTE, filler);
      expect(answer.status, answer.text.slice(0, 300)).toBe(201);
      const read = await user.api.get(`/memories/${answer.body.id}`);
      expect(read.body.content === content).toBe(true);
      const cut = await user.api.get(`/memories/${answer.body.id}?max_tokens=500`);
      expect(cut.body).toMatchObject({ truncated: true, next_offset: expect.any(Number) });
      const found = await user.api.post('/search', { query: `${filler} x word`, max_tokens: 500 });
      expect(found.status, found.text.slice(0, 300)).toBe(200);
      const context = await user.api.post('/context', { max_tokens: 300 });
      expect(context.body.tokens).toBeLessThanOrEqual(300);
      await user.api.delete(`/memories/${answer.body.id}?permanent=true`);
      expectProblem((await createOf(MEBIBYTE + 1, filler)).answer, 413, 'body_too_large');
    },
  );

  const letters = (n: number) => String.fromCodePoint(0x20000 + (n % 40_000), 0x20000 + Math.floor(n / 7), 0x20000 + n);
  const many = (length: number, word: (n: number) => string) => Array.from({ length }, (_, n) => word(n)).join(' ');
  it.each([
    ['hyphenated words', many(26_000, (n) => `${letters(n)}-${letters(n + 1)}`)],
    ['URLs', many(18_000, (n) => `h${n}.example.com/path/${n}/to/${n}.html?q=${n}`)],
    ['identifiers', many(60_000, (n) => `${n}_a${n}-b`)],
  ])('of texts with tens of thousands of different %s are stored', async (_what, content) => {
    const body = JSON.stringify({ title: 'new words', content });
    expect(Buffer.byteLength(body)).toBeLessThan(MEBIBYTE);
    const answer = await user.api.post('/memories', body);
    expect(answer.status, answer.text.slice(0, 300)).toBe(201);
  });

  it('of a list of 10,000 tags are rejected, also in a filter', async () => {
    const tags = Array.from({ length: 10_000 }, (_, i) => `tag-${i}`);
    for (const path of ['/memories', '/search']) {
      const answer = await user.api.post(path, { title: 't', content: 'c', query: 'q', tags });
      expect([400, 422]).toContain(answer.status);
      expectProblem(answer, answer.status);
      expect(answer.body.errors.map((error: Json) => error.path)).toContain('tags');
      expect(answer.text.length).toBeLessThan(20_000);
    }
    const { id } = (await user.api.post('/memories', { title: 'tagged', content: 'c' })).body;
    for (let at = 0; at < 100; at += 50) {
      const added = await user.api.patch(`/memories/${id}`, { add_tags: tags.slice(at, at + 50) });
      expect(added.status).toBe(200);
    }
    expectProblem(await user.api.patch(`/memories/${id}`, { add_tags: ['one-more'] }), 422, 'unprocessable');
    expect((await user.api.get(`/memories/${id}`)).body.tags).toEqual(tags.slice(0, 100));
  });

  it.each([
    ['title', 500, (value: string) => ({ title: value, content: 'c' })],
    ['tags', 100, (value: string) => ({ title: 't', content: value, tags: [value] })],
    ['project', 200, (value: string) => ({ title: 't', content: 'c', project: value })],
    ['session_id', 200, (value: string) => ({ title: 't', content: 'c', session_id: value })],
  ] as const)('of a %s are counted in characters, up to %i', async (field, most, memory) => {
    for (const character of ['x', 'ü', '🦭']) {
      const kept = await user.api.post('/memories', memory(character.repeat(most)));
      expect(kept.status, kept.text).toBe(201);
      const rejected = await user.api.post('/memories', memory(character.repeat(most + 1)));
      expectProblem(rejected, 422, 'unprocessable');
      expect(rejected.body.errors[0].path).toMatch(new RegExp(`^${field}`));
    }
  });

  it('of metadata are bounded, and 97 levels of nesting are accepted', async () => {
    const nested = (depth: number): object => (depth === 0 ? {} : { a: nested(depth - 1) });
    const deep = await user.api.post('/memories', { title: 'deep', content: 'c', metadata: nested(97) });
    expect(deep.status, deep.text).toBe(201);
    expect((await user.api.get(`/memories/${deep.body.id}`)).body.metadata).toEqual(nested(97));
    const kept = await user.api.post('/memories', { title: 'm', content: 'c', metadata: { x: 'y'.repeat(65_528) } });
    expect(kept.status).toBe(201);
    const rejected = await user.api.post('/memories', {
      title: 'm',
      content: 'c',
      metadata: { x: 'y'.repeat(65_529) },
    });
    expectProblem(rejected, 422, 'unprocessable');
  });
});

describe('blank text', () => {
  it.each(['', ' ', '\n\t', '\u00a0', '\u3000\u2003'])(
    'is rejected as title, content, project, session id and name of a key: %j',
    async (blank) => {
      for (const field of ['title', 'content', 'project', 'session_id']) {
        const rejected = await user.api.post('/memories', { title: 't', content: 'c', [field]: blank });
        expectProblem(rejected, 422, 'unprocessable');
        expect(rejected.body.errors).toEqual([{ path: field, message: 'must not be empty or blank' }]);
      }
      expectProblem(await user.api.post('/user/keys', { name: blank }), 422);
    },
  );
});

describe('a timestamp', () => {
  const create = (occurred_at: unknown) =>
    user.api.post('/memories', { title: `at ${occurred_at}`, content: 'c', occurred_at });

  it.each([
    ['2026-11-02', '2026-11-02T00:00:00.000Z'],
    ['2026-11-02T09:45:30Z', '2026-11-02T09:45:30.000Z'],
    ['2026-11-02T09:45:30.123456789+05:30', '2026-11-02T09:45:30.123+05:30'],
    ['2026-03-20T23:30:00-05:00', '2026-03-20T23:30:00.000-05:00'],
    ['2026-03-20T23:30:00-00:00', '2026-03-20T23:30:00.000Z'],
    ['0001-01-01T00:00:00-14:00', '0001-01-01T00:00:00.000-14:00'],
    ['2024-02-29', '2024-02-29T00:00:00.000Z'],
    ['0001-01-01T00:00:00Z', '0001-01-01T00:00:00.000Z'],
    ['9999-12-31T23:59:59.999Z', '9999-12-31T23:59:59.999Z'],
  ])('%s is kept with its offset, to the millisecond', async (given, kept) => {
    const { body } = await create(given);
    expect(body.occurred_at).toBe(kept);
    expect((await user.api.get(`/memories/${body.id}`)).body.occurred_at).toBe(kept);
  });

  it.each([
    '2026-02-30',
    '0000-12-31T23:00:00-05:00',
    '2025-02-29',
    '2026-13-01',
    '2026-11-02T25:00:00Z',
    '2026-11-02T09:45:30',
    '2026-11-02 09:45:30Z',
    '02.11.2026',
    'now',
    'infinity',
    '0000-01-01',
    '0001-01-01T00:00:00+14:00',
    '9999-12-31T23:59:59-01:00',
    '+010000-01-01T00:00:00Z',
    '',
  ])('%j is rejected', async (given) => {
    const rejected = await create(given);
    expectProblem(rejected, 422, 'unprocessable');
    expect(rejected.body.errors[0].path).toBe('occurred_at');
  });

  it('must be a string', async () => expectProblem(await create(1_793_612_730), 400, 'invalid_request'));
});

describe('metadata', () => {
  it('may use names of properties of JavaScript objects', async () => {
    const metadata = {
      constructor: 'a',
      toString: 'b',
      hasOwnProperty: null,
      valueOf: 1,
      toJSON: 'x',
      length: 0,
      '': 'empty',
      'a.b': 2,
    };
    const { status, body } = await user.api.post('/memories', { title: 'names', content: 'c', metadata });
    expect(status).toBe(201);
    expect((await user.api.get(`/memories/${body.id}`)).body.metadata).toEqual(metadata);
  });

  it.each(['[]', '"text"', '7', 'null'])('must be an object, not %s', async (metadata) => {
    expectProblem(await user.api.post('/memories', `{"title":"t","content":"c","metadata":${metadata}}`), 400);
  });

  it('returns numbers unchanged, and rejects those out of range', async () => {
    const raw = (metadata: string) =>
      user.api.post('/memories', `{"title":"numbers ${metadata}","content":"c","metadata":{"n":${metadata}}}`);
    for (const number of ['0', '-1.5', '1e21', '9007199254740991', '1.7976931348623157e308', '5e-324']) {
      const { body } = await raw(number);
      expect((await user.api.get(`/memories/${body.id}`)).body.metadata.n, number).toBe(Number(number));
    }
    const lost = await raw('1e999');
    expectProblem(lost, 422, 'unprocessable');
  });
});

it('a request with unusual header values gets a response', async () => {
  const headers = {
    Authorization: `Bearer ${user.apiKey}`,
    'X-WhiteMagic-Project': '%E0%A4%A',
    'If-None-Match': '"x"',
    Accept: 'text/html',
    Range: 'bytes=0-1',
  };
  const answer = await sendRaw(node.url, { path: '/api/v1/memories?limit=1', headers });
  expect(answer.status, answer.text).toBe(200);
  expect(answer.headers.get('content-type')).toBe('application/json; charset=utf-8');
});
