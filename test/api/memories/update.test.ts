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

let count = 0;
/** Stores a memory that is unique within this file. */
async function store(more: object = {}): Promise<Json> {
  const made = await user.api.post('/memories', { title: `Note ${++count}`, content: `Text ${count}`, ...more });
  expect(made.status).toBe(201);
  const { deduplicated: _deduplicated, changed: _changed, similar: _similar, ...memory } = made.body;
  return memory;
}

const read = async (id: string): Promise<Json> => (await user.api.get(`/memories/${id}`)).body;
const versionsOf = async (id: string, query = ''): Promise<Json> =>
  (await user.api.get(`/memories/${id}/versions${query}`)).body;
const MISSING = '019ab0c0-0000-7000-8000-000000000000';

describe('PATCH /memories/{id}', () => {
  it('changes the named fields only, and keeps type and creation time', async () => {
    const before = await store({
      type: 'long_term',
      tags: ['a'],
      metadata: { x: 1 },
      project: 'p',
      session_id: 's',
      occurred_at: '2026-01-01',
      expires_at: '2036-01-01',
    });
    const changed = await user.api.patch(`/memories/${before.id}`, { title: 'Renamed' });
    expect(changed.status).toBe(200);
    expect(changed.headers.get('etag')).toBe('"2"');
    const { title, version, updated_at, size_bytes, ...rest } = changed.body;
    expect({ title, version }).toEqual({ title: 'Renamed', version: 2 });
    expect(size_bytes).toBe(Buffer.byteLength(`Renamed${before.content}a{"x":1}`));
    expect(Date.parse(updated_at)).toBeGreaterThanOrEqual(Date.parse(before.updated_at));
    expect(before).toMatchObject(rest);
    expect(await read(before.id)).toMatchObject(changed.body);
    expect((await user.api.patch(`/memories/${before.id}`, { type: 'short_term' })).body.type).toBe('short_term');
  });

  it('clears nullable fields by null', async () => {
    const before = await store({ project: 'p', session_id: 's', occurred_at: '2026-01-01', expires_at: '2036-01-01' });
    const none = { project: null, session_id: null, occurred_at: null, expires_at: null };
    expect((await user.api.patch(`/memories/${before.id}`, none)).body).toMatchObject(none);
    const title = await user.api.patch(`/memories/${before.id}`, { title: null });
    expect(title.status).toBe(400);
    expect(title.body.errors[0].path).toBe('title');
  });

  it('replaces all tags by `tags`, also by an empty list, and then ignores add_tags and remove_tags', async () => {
    const { id } = await store({ tags: ['a', 'b'] });
    const patch = async (body: object) => (await user.api.patch(`/memories/${id}`, body)).body.tags;
    expect(await patch({ tags: ['New Tag', 'new  tag'], add_tags: ['c'], remove_tags: ['new_tag'] })).toEqual([
      'new_tag',
    ]);
    expect(await patch({ tags: [], add_tags: ['c'] })).toEqual([]);
  });

  it('adds tags first and then removes', async () => {
    const { id } = await store({ tags: ['a', 'b'] });
    const patch = async (body: object) => (await user.api.patch(`/memories/${id}`, body)).body.tags;
    expect(await patch({ add_tags: ['C', 'a', 'd'], remove_tags: [' B ', 'd'] })).toEqual(['a', 'c']);
    expect(await patch({ remove_tags: ['never there'] })).toEqual(['a', 'c']);
  });

  it('writes no version and keeps updated_at when no value changes', async () => {
    const before = await store({ tags: ['a'], metadata: { b: 1, a: 2 } });
    const same = { title: before.title, tags: ['A'], metadata: { a: 2, b: 1 } };
    const answer = await user.api.patch(`/memories/${before.id}`, same);
    expect(answer.body).toEqual(before);
    expect((await versionsOf(before.id)).total).toBe(0);
  });

  it('returns 409 with the id of the active memory that it would duplicate exactly', async () => {
    const one = await store();
    const two = await store();
    const rejected = await user.api.patch(`/memories/${two.id}`, { title: one.title, content: one.content });
    expect(rejected.status).toBe(409);
    expect(rejected.body).toMatchObject({ code: 'duplicate_memory', existing_id: one.id });
    expect(await read(two.id)).toMatchObject(two);
  });
});

describe('metadata_merge', () => {
  const merge = (id: string, metadata_merge: Json, more = {}) =>
    user.api.patch(`/memories/${id}`, { metadata_merge, ...more });

  it('sets and replaces the given keys, removes those that are null, and keeps the others', async () => {
    const { id } = await store({ metadata: { a: 1, b: { c: 2, d: [3] }, e: 'x' } });
    const merged = await merge(id, { b: { c: null, f: 4, d: [5] }, e: null, g: { h: null, i: 1 } });
    expect(merged.body.metadata).toEqual({ a: 1, b: { f: 4, d: [5] }, g: { i: 1 } });
    expect((await merge(id, { a: { deep: true }, b: 'flat' })).body.metadata).toEqual({
      a: { deep: true },
      b: 'flat',
      g: { i: 1 },
    });
    expect((await merge(id, {})).body.version).toBe(3);
  });

  it('keeps the keys of ten concurrent writers', async () => {
    const { id } = await store();
    await Promise.all(Array.from({ length: 10 }, (_, n) => merge(id, { [`key${n}`]: n })));
    expect((await read(id)).metadata).toEqual(Object.fromEntries(Array.from({ length: 10 }, (_, n) => [`key${n}`, n])));
  });

  it('is rejected together with metadata, and when the result is too large', async () => {
    const { id } = await store({ metadata: { a: 'x'.repeat(40_000) } });
    for (const rejected of [await merge(id, { b: 1 }, { metadata: {} }), await merge(id, { b: 'y'.repeat(40_000) })]) {
      expect(rejected.status).toBe(422);
      expect(rejected.body.errors[0].path).toBe('metadata_merge');
    }
    expect((await read(id)).version).toBe(1);
  });
});

describe('PUT /memories/{id}', () => {
  it('replaces all fields by the input or their defaults, and keeps the type', async () => {
    const before = await store({
      type: 'long_term',
      tags: ['a'],
      metadata: { x: 1 },
      project: 'p',
      session_id: 's',
      occurred_at: '2026-01-01',
    });
    const put = await user.api.put(`/memories/${before.id}`, { title: 'New title', content: 'New content' });
    expect(put.status).toBe(200);
    expect(put.body).toMatchObject({
      id: before.id,
      title: 'New title',
      content: 'New content',
      type: 'long_term',
      tags: [],
      metadata: {},
      project: null,
      session_id: null,
      occurred_at: null,
      version: 2,
      created_at: before.created_at,
    });
    const asked = await user.api.put(`/memories/${before.id}`, { title: 'T', content: 'C', type: 'short_term' });
    expect(asked.body.type).toBe('short_term');
  });

  it('requires content', async () => {
    const { id } = await store();
    const rejected = await user.api.put(`/memories/${id}`, { tags: ['x'] });
    expect(rejected.status).toBe(400);
    expect(rejected.body.errors.map((error: Json) => error.path)).toEqual(['content']);
  });
});

describe('If-Match', () => {
  const methods = ['PUT', 'PATCH', 'DELETE'] as const;
  const body = (method: string) => (method === 'DELETE' ? undefined : { title: `T ${++count}`, content: 'C' });

  it.each(methods)('accepts %s with the present ETag, strong or weak, and with *', async (method) => {
    for (const tag of ['"1"', 'W/"1"', '*']) {
      const { id } = await store();
      const answer = await user.api.request(method, `/memories/${id}`, body(method), { 'If-Match': tag });
      expect(answer.status, tag).toBe(200);
    }
  });

  it.each(methods)('rejects %s with 412 after a concurrent change, and changes nothing', async (method) => {
    const { id } = await store();
    const winner = await user.api.patch(`/memories/${id}`, { metadata: { winner: true } });
    for (const tag of ['"1"', 'W/"1"', '"3"', '"0"', '"9999999999"']) {
      const late = await user.api.request(method, `/memories/${id}`, body(method), { 'If-Match': tag });
      expect(late.status, tag).toBe(412);
      expect(late.body).toMatchObject({ code: 'precondition_failed', current_version: 2 });
    }
    expect(await read(id)).toMatchObject(winner.body);
  });

  it('returns 400 that names the header for an invalid ETag', async () => {
    const { id } = await store();
    for (const tag of ['1', '"x"', '"1", "2"', 'W/1', '""']) {
      const rejected = await user.api.patch(`/memories/${id}`, { title: 'x' }, { 'If-Match': tag });
      expect(rejected.status, tag).toBe(400);
      expect(rejected.body.errors[0].path).toBe('If-Match');
    }
  });

  it('lets exactly one of ten concurrent writers succeed', async () => {
    const { id } = await store();
    const answers = await Promise.all(
      Array.from({ length: 10 }, (_, i) =>
        user.api.patch(`/memories/${id}`, { metadata: { i } }, { 'If-Match': '"1"' }),
      ),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array(9).fill(412)]);
    expect((await read(id)).version).toBe(2);
  });

  it('is also the input field if_version', async () => {
    const { id } = await store();
    expect((await user.api.patch(`/memories/${id}`, { title: 'a', if_version: 7 })).status).toBe(412);
    expect((await user.api.delete(`/memories/${id}?if_version=7`)).status).toBe(412);
    expect((await user.api.delete(`/memories/${id}?if_version=1`)).status).toBe(200);
  });
});

describe('DELETE /memories/{id}', () => {
  it('archives a memory: it keeps its type, leaves lists and searches, and can be read', async () => {
    const memory = await store({ type: 'long_term', content: 'quicksilver' });
    const gone = await user.api.delete(`/memories/${memory.id}`);
    expect(gone.body).toEqual({ id: memory.id, status: 'archived', version: 2 });
    expect(await read(memory.id)).toMatchObject({ type: 'long_term', status: 'archived' });
    expect((await user.api.post('/search', { query: 'quicksilver' })).body.total).toBe(0);
    expect((await user.api.post('/search', { query: 'quicksilver', status: 'archived' })).body.total).toBe(1);
    expect((await user.api.delete(`/memories/${memory.id}`)).body).toEqual(gone.body);
  });

  it('with permanent=true deletes the memory and its versions, and frees their storage', async () => {
    const bytes = async () => (await user.api.get('/stats')).body.storage.bytes;
    const before = await bytes();
    const memory = await store({ content: 'x'.repeat(1_000) });
    await user.api.patch(`/memories/${memory.id}`, { content: 'y'.repeat(500) });
    expect(await bytes()).toBeGreaterThan(before + 1_500);
    const gone = await user.api.delete(`/memories/${memory.id}?permanent=true`);
    expect(gone.body).toEqual({ id: memory.id, status: 'deleted', version: null });
    expect(await bytes()).toBe(before);
    for (const path of ['', '/versions'])
      expect((await user.api.get(`/memories/${memory.id}${path}`)).status).toBe(404);
    expect((await user.api.delete(`/memories/${memory.id}?permanent=true`)).status).toBe(404);
    const { rows } = await node.service.database.owner.query(
      'select count(*)::int as left from memory_versions where memory_id = $1',
      [memory.id],
    );
    expect(rows[0].left).toBe(0);
  });

  it('returns 404 for an unknown memory', async () => {
    expect((await user.api.delete(`/memories/${MISSING}`)).status).toBe(404);
  });
});

describe('POST /memories/{id}/restore', () => {
  it('makes an archived memory active again, with its own type or the requested one', async () => {
    const one = await store({ type: 'long_term' });
    await user.api.delete(`/memories/${one.id}`);
    const back = await user.api.post(`/memories/${one.id}/restore`);
    expect(back.body).toMatchObject({ type: 'long_term', status: 'active', content: one.content });
    await user.api.delete(`/memories/${one.id}`);
    const asked = await user.api.post(`/memories/${one.id}/restore`, { type: 'short_term' });
    expect(asked.body).toMatchObject({ type: 'short_term', status: 'active' });
  });

  it('returns 409 for the exact duplicate of an active memory and leaves it archived', async () => {
    const first = await store();
    await user.api.delete(`/memories/${first.id}`);
    const duplicate = await store({ title: first.title, content: first.content });
    const rejected = await user.api.post(`/memories/${first.id}/restore`);
    expect(rejected.status).toBe(409);
    expect(rejected.body).toMatchObject({ code: 'duplicate_memory', existing_id: duplicate.id });
    expect((await read(first.id)).status).toBe('archived');
  });

  it('restores one of two archived exact duplicates when called concurrently', async () => {
    const first = await store();
    await user.api.delete(`/memories/${first.id}`);
    const second = await store({ title: first.title, content: first.content });
    await user.api.delete(`/memories/${second.id}`);
    const answers = await Promise.all([first, second].map(({ id }) => user.api.post(`/memories/${id}/restore`)));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409]);
  });

  it('with a version undoes an edit, and can itself be undone', async () => {
    const first = await store({ tags: ['a'], metadata: { x: 1 }, project: 'p', occurred_at: '2026-01-01' });
    const edited = await user.api.put(`/memories/${first.id}`, { title: 'E', content: 'E', type: 'long_term' });
    const undone = await user.api.post(`/memories/${first.id}/restore`, { version: 1 });
    expect(undone.headers.get('etag')).toBe('"3"');
    const { version: _version, updated_at: _updated, ...state } = first;
    expect(undone.body).toMatchObject({ ...state, version: 3 });
    const redone = await user.api.post(`/memories/${first.id}/restore`, { version: 2 });
    const { version: _v, updated_at: _u, ...editedState } = edited.body;
    expect(redone.body).toMatchObject({ ...editedState, version: 4 });
    expect((await user.api.post(`/memories/${first.id}/restore`, { version: 99 })).status).toBe(404);
  });
});

describe('GET /memories/{id}/versions', () => {
  it('lists former states, newest first, in pages without repeats', async () => {
    const first = await store();
    for (let i = 2; i <= 6; i++) await user.api.patch(`/memories/${first.id}`, { title: `Title ${first.id} ${i}` });
    const page = await versionsOf(first.id, '?limit=3');
    expect(page.total).toBe(5);
    const rest = await versionsOf(first.id, `?limit=3&cursor=${page.next_cursor}`);
    expect(rest.next_cursor).toBeNull();
    const all = [...page.results, ...rest.results];
    expect(all.map((version: Json) => version.version)).toEqual([5, 4, 3, 2, 1]);
    expect(all.at(-1)).toMatchObject({ title: first.title, written_at: first.created_at, tags: [] });
    expect((await user.api.get(`/memories/${MISSING}/versions`)).status).toBe(404);
  });

  it('keeps the last fifty versions, which count towards the storage', async () => {
    const other = await node.newUser();
    const { body } = await other.api.post('/memories', { title: 'T', content: 'v1' });
    for (let i = 2; i <= 60; i++) await other.api.patch(`/memories/${body.id}`, { content: `v${i}` });
    const kept = (await other.api.get(`/memories/${body.id}/versions?limit=200`)).body;
    expect(kept.total).toBe(50);
    expect(kept.results.map((version: Json) => version.version)).toEqual(Array.from({ length: 50 }, (_, i) => 59 - i));
    const stored = kept.results.reduce((sum: number, version: Json) => sum + version.size_bytes, 4);
    expect((await other.api.get('/stats')).body.storage.bytes).toBe(stored);
    expect((await other.api.post(`/memories/${body.id}/restore`, { version: 1 })).status).toBe(404);
  });
});
