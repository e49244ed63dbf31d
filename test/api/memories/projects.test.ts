import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Json } from '../../support/client.ts';
import { startTestService, type TestService, type TestUser } from '../../support/service.ts';
import { eventsOf } from '../../support/usage.ts';

let node: TestService;
let user: TestUser;

beforeAll(async () => {
  node = await startTestService();
});
afterAll(() => node.stop());

/** Stores memories for a new user and returns their ids. */
async function storeAll(memories: object[]): Promise<string[]> {
  user = await node.newUser();
  const { body } = await user.api.post('/memories/batch', { memories });
  return body.results.map(({ id }: Json) => id);
}

const note = (title: string, project: string | null, more: object = {}) => ({
  title,
  content: `About ${title}`,
  project,
  ...more,
});
const read = async (id: string | undefined) => (await user.api.get(`/memories/${id}`)).body;
const projects = async () =>
  (await user.api.get('/projects')).body.results.map(({ name, active, archived }: Json) => [name, active, archived]);

describe('GET /projects', () => {
  it('returns each project with its counts, bytes and newest edit, largest first, in pages', async () => {
    const ids = await storeAll([
      note('a', 'one'),
      note('b', 'two'),
      note('c', 'two'),
      note('d', null),
      note('e', 'two'),
    ]);
    await user.api.delete(`/memories/${ids[1]}`);
    const { body } = await user.api.get('/projects');
    expect(body.total).toBe(3);
    expect(body.results.map(({ name, active, archived, bytes }: Json) => [name, active, archived, bytes])).toEqual([
      ['two', 2, 1, 24],
      ['one', 1, 0, 8],
      [null, 1, 0, 8],
    ]);
    expect(body.results[0].updated_at).toBe((await read(ids[1])).updated_at);
    const first = (await user.api.get('/projects?limit=2')).body;
    const second = (await user.api.get(`/projects?limit=2&cursor=${first.next_cursor}`)).body;
    expect([...first.results, ...second.results]).toEqual(body.results);
    expect(second.next_cursor).toBeNull();
  });
});

describe('PATCH /projects/{name}', () => {
  it('renames a project with any name, and keeps versions and the times of the last edits', async () => {
    const old = 'github.com/a b/ü?';
    const [id, archived, other] = await storeAll([note('a', old), note('b', old), note('c', 'else')]);
    await user.api.delete(`/memories/${archived}`);
    const before = await read(id);
    const path = `/projects/${encodeURIComponent(old)}`;
    const planned = await user.api.patch(path, { new_name: 'new' });
    expect(planned.body).toMatchObject({ dry_run: true, merges: false, matched: 2, remaining: 0, duplicates: [] });
    expect(await read(id)).toEqual(before);
    const { body } = await user.api.patch(path, { new_name: 'new', dry_run: false });
    expect(body).toEqual({ ...planned.body, dry_run: false });
    expect(body.changed).toEqual([id, archived]);
    expect(await read(id)).toEqual({ ...before, project: 'new', version: 2 });
    expect((await read(archived)).status).toBe('archived');
    const { body: versions } = await user.api.get(`/memories/${id}/versions`);
    expect(versions.results).toMatchObject([{ version: 1, project: old, title: 'a' }]);
    expect((await read(other)).project).toBe('else');
    expect(await projects()).toEqual([
      ['new', 1, 1],
      ['else', 1, 0],
    ]);
    expect((await user.api.patch(path, { new_name: 'x' })).body.code).toBe('not_found');
  });

  it('merges into another project, and archives exact duplicates with a link', async () => {
    const [mine, same, there, alone] = await storeAll([
      note('mine', 'a'),
      note('same', 'a', { tags: ['kept'] }),
      note('same', 'b'),
      note('alone', 'b'),
    ]);
    const { body } = await user.api.patch('/projects/a', { new_name: 'b', dry_run: false });
    expect(body).toMatchObject({
      merges: true,
      changed: [mine, same],
      rejected: [],
      duplicates: [{ id: same, duplicate_of: there }],
      remaining: 0,
    });
    expect(await read(same)).toMatchObject({ project: 'b', status: 'archived', consolidated_into: there });
    expect(await projects()).toEqual([['b', 3, 1]]);
    expect((await read(alone)).version).toBe(1);
    // The hash follows the project: a repeated create finds the moved memory.
    const repeated = await user.api.post('/memories', note('mine', 'b'));
    expect(repeated.body).toMatchObject({ id: mine, deduplicated: true });
    expect((await user.api.post('/memories', note('mine', 'a'))).body.deduplicated).toBe(false);
  });

  it('moves to no project and from it, and rejects its own name', async () => {
    const [id] = await storeAll([note('a', 'one')]);
    expect((await user.api.patch('/projects/one', { new_name: 'one' })).body.errors[0].path).toBe('new_name');
    expect((await user.api.patch('/projects/none', { new_name: 'one' })).body.code).toBe('not_found');
    await user.api.patch('/projects/one', { new_name: null, dry_run: false });
    expect((await read(id)).project).toBeNull();
    await user.api.patch('/projects/none', { new_name: 'two', dry_run: false });
    expect((await read(id)).project).toBe('two');
    for (const new_name of ['*', 'none', '']) {
      expect((await user.api.patch('/projects/two', { new_name })).status).toBe(422);
    }
  });

  it('is charged by the memories that it moves, and by no more than a plan can repeat', async () => {
    await storeAll(Array.from({ length: 45 }, (_, n) => note(`n${n}`, 'big')));
    const before = (await eventsOf(node, user.userId)).length;
    await user.api.patch('/projects/big', { new_name: 'new', dry_run: false });
    const events = await eventsOf(node, user.userId);
    expect(events).toHaveLength(before + 1);
    expect(events.at(-1)).toMatchObject({ operation: 'projects.update', units: 5 });
  });

  it('in blocks, moves every memory of a project with more memories than a call may change', async () => {
    user = await node.newUser({ requestsPerMinute: 6 });
    await node.service.database.owner.query(
      `insert into memories (user_id, id, type, status, title, content, content_hash, size_bytes, project, created_at, updated_at)
        select $1, ('019ab0c0-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid, 'short_term', 'active', 'n', n::text,
          sha256(n::text::bytea), 2, 'big', now(), now()
        from generate_series(1, 50) n`,
      [user.userId],
    );
    const first = (await user.api.patch('/projects/big', { new_name: 'new', dry_run: false })).body;
    expect([first.changed.length, first.remaining]).toEqual([30, 20]);
    const second = (await user.api.patch('/projects/big', { new_name: 'new', dry_run: false })).body;
    expect([second.changed.length, second.remaining]).toEqual([20, 0]);
  });
});

describe('DELETE /projects/{name}', () => {
  it('archives the active memories, or deletes all for good, after a dry run that changes nothing', async () => {
    const [first, second, other] = await storeAll([note('a', 'x'), note('b', 'x'), note('c', 'y')]);
    await user.api.delete(`/memories/${first}`);
    expect((await user.api.delete('/projects/x')).body).toMatchObject({ dry_run: true, matched: 2, changed: [second] });
    expect(await projects()).toEqual([
      ['x', 1, 1],
      ['y', 1, 0],
    ]);
    await user.api.delete('/projects/x?dry_run=false');
    expect(await projects()).toEqual([
      ['x', 0, 2],
      ['y', 1, 0],
    ]);
    const planned = (await user.api.delete('/projects/x?permanent=true')).body;
    expect(planned.changed).toEqual([first, second]);
    expect((await user.api.delete('/projects/x?permanent=true&dry_run=false')).body.changed).toEqual([first, second]);
    expect(await projects()).toEqual([['y', 1, 0]]);
    expect((await user.api.get('/stats')).body.storage.bytes).toBe((await read(other)).size_bytes);
    expect((await user.api.delete('/projects/x')).body.code).toBe('not_found');
  });
});

describe('POST /memories/bulk', () => {
  it('moves selected memories, and back', async () => {
    const [a, b, c] = await storeAll([note('a', 'x'), note('b', null), note('c', 'y')]);
    const move = { filter: { ids: [a, b, c] }, action: 'move', project: 'y', dry_run: false };
    expect((await user.api.post('/memories/bulk', move)).body).toMatchObject({
      changed: [a, b],
      duplicates: [],
      moved_from: [
        { project: 'x', ids: [a] },
        { project: null, ids: [b] },
      ],
    });
    const back = { filter: { ids: [b] }, action: 'move', project: null, dry_run: false };
    expect((await user.api.post('/memories/bulk', back)).body.changed).toEqual([b]);
    expect([(await read(a)).project, (await read(b)).project]).toEqual(['y', null]);
    const { project: _, ...unsaid } = back;
    expect((await user.api.post('/memories/bulk', unsaid)).body.errors[0].path).toBe('project');
  });
});

describe('PATCH and DELETE /tags/{tag}', () => {
  it('renames a tag, merges it into another, and removes it, archived memories included', async () => {
    const [one, both, archived] = await storeAll([
      note('a', null, { tags: ['x', 'old', 'y'] }),
      note('b', null, { tags: ['old', 'new'] }),
      note('c', null, { tags: ['old'] }),
    ]);
    await user.api.delete(`/memories/${archived}`);
    const before = await read(one);
    const planned = (await user.api.patch('/tags/OLD', { new_tag: 'New' })).body;
    expect(planned).toMatchObject({ dry_run: true, merges: true, changed: [one, both, archived], remaining: 0 });
    expect(await read(one)).toEqual(before);
    await user.api.patch('/tags/OLD', { new_tag: 'New', dry_run: false });
    expect(await read(one)).toMatchObject({ tags: ['x', 'new', 'y'], version: 2, updated_at: before.updated_at });
    expect((await read(both)).tags).toEqual(['new']);
    expect((await read(archived)).tags).toEqual(['new']);
    const found = await user.api.post('/search', { query: 'new' });
    expect(found.body.results.map(({ id }: Json) => id).sort()).toEqual([one, both].sort());
    expect((await user.api.delete('/tags/new')).body.changed).toHaveLength(3);
    await user.api.delete('/tags/new?dry_run=false');
    expect((await user.api.get('/tags')).body.results.map(({ tag }: Json) => tag)).toEqual(['x', 'y']);
    for (const call of [user.api.patch('/tags/new', { new_tag: 'z' }), user.api.delete('/tags/new')]) {
      expect((await call).body.code).toBe('not_found');
    }
    expect((await user.api.patch('/tags/x', { new_tag: ' X ' })).body.errors[0].path).toBe('new_tag');
  });
});
