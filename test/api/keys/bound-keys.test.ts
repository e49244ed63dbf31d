import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { OPERATIONS } from '../../../api/contracts/index.ts';
import type { Operation } from '../../../api/contracts/operation.ts';
import { Client, type Json } from '../../support/client.ts';
import { connectMcp, type McpClient } from '../../support/mcp.ts';
import { sampleCall, sendSample } from '../../support/samples.ts';
import { startTestService, type TestService, type TestUser } from '../../support/service.ts';

/** In every text of the memories of the other project, and in its name. */
const SECRET = 'zirconium';
const OPEN = 'open project';

let node: TestService;
let owner: TestUser;
/** A key with all scopes, bound to one project. */
let bound: Client & { id: string };
let mcp: McpClient;
/** The memories of the other project, as its owner reads them: one active, one archived. */
let hidden: Json[];

beforeAll(async () => {
  node = await startTestService();
  owner = await node.newUser();
  const secret = (n: number) => ({
    title: `${SECRET} title ${n}`,
    content: `${SECRET} is kept in the vault number ${n}, below the stairs of the old mill by the sea`,
    tags: [`${SECRET}-tag`, 'shared'],
    metadata: { [SECRET]: SECRET },
    project: SECRET,
    session_id: SECRET,
  });
  const ids: string[] = [];
  for (const n of [1, 2, 3]) ids.push((await owner.api.post('/memories', secret(n))).body.id);
  await owner.api.patch(`/memories/${ids[0]}`, { title: `${SECRET} edited` });
  await owner.api.delete(`/memories/${ids[2]}`);
  await owner.api.post('/memories', { title: 'Of no project', content: `${SECRET} too`, tags: [`${SECRET}-loose`] });
  for (const n of [1, 2])
    await owner.api.post('/memories', {
      title: `Visible ${n}`,
      content: `Plain text ${n}`,
      project: OPEN,
      tags: ['shared'],
    });
  bound = await boundKey({ projects: [OPEN] });
  mcp = await connectMcp(node, bound as unknown as TestUser);
  hidden = await readHidden(ids);
});
afterAll(async () => {
  await mcp.close();
  await node.stop();
});

async function boundKey(more: object, by: Client = owner.api): Promise<Client & { id: string }> {
  const made = await by.post('/user/keys', { name: 'bound', ...more });
  expect(made.status, made.text).toBe(201);
  return Object.assign(new Client(node.url, made.body.api_key), { id: made.body.id });
}

const readHidden = (ids: string[]) =>
  Promise.all(
    ids.map(async (id) => ({
      ...(await owner.api.get(`/memories/${id}`)).body,
      versions: (await owner.api.get(`/memories/${id}/versions`)).body.total,
    })),
  );

/** Fails if a response holds anything of the other project, beside what the request itself named. */
function expectNothingHidden(text: string, sent: string, what: string): void {
  const found = [SECRET, ...hidden.map(({ id }) => id)].filter((part) => text.includes(part) && !sent.includes(part));
  expect([what, found]).toEqual([what, []]);
}

describe('a key that is bound to a project', () => {
  it('reads its project only, in every way to read', async () => {
    const texts: [what: string, text: string][] = [];
    const read = async (path: string, body?: object) => {
      const response = await (body ? bound.post(path, body) : bound.get(path));
      expect(response.status, `${path} ${response.text}`).toBe(200);
      texts.push([path, response.text]);
      return response.body;
    };
    const all = await read(`/memories?project=${encodeURIComponent('*')}&status=all&limit=100`);
    expect(all.results.map(({ title }: Json) => title).toSorted()).toEqual(['Visible 1', 'Visible 2']);
    expect([all.total, (await read('/memories')).total]).toEqual([2, 2]);
    const found = await read('/search', { query: 'vault below the stairs', project: '*', status: 'all' });
    expect(found.results.every(({ project }: Json) => project === OPEN)).toBe(true);
    expect((await read('/search', { query: 'plain text' })).results).toHaveLength(2);
    await read('/context', { query: 'vault stairs', project: '*', max_tokens: 4_000 });
    expect((await read('/projects')).results.map(({ name }: Json) => name)).toEqual([OPEN]);
    expect((await read('/tags')).results.map(({ tag, count }: Json) => [tag, count])).toEqual([['shared', 2]]);
    expect((await read('/stats')).memories).toMatchObject({ total: 2, active: 2, archived: 0 });
    expect((await read('/stats/storage')).by_project.map(({ project }: Json) => project)).toEqual([OPEN]);
    expect((await read('/near-duplicates')).compared).toBe(2);
    await read('/user/overview');
    expect((await read('/user/keys')).results.map(({ projects }: Json) => projects)).toEqual([[OPEN]]);
    for (const [what, text] of texts) expectNothingHidden(text, '', what);
  });

  it('changes nothing outside its project with a bulk change, a tag change, a consolidation or a deletion', async () => {
    const everything = { filter: { project: '*', status: 'all' }, dry_run: false };
    expect(
      (await bound.post('/memories/bulk', { ...everything, action: 'add_tags', tags: ['seen'] })).body.matched,
    ).toBe(2);
    expect((await bound.patch('/tags/shared', { new_tag: 'common', dry_run: false })).body.matched).toBe(2);
    await bound.delete(`/tags/${SECRET}-tag?dry_run=false`);
    await bound.post('/memories/consolidate', { dry_run: false, min_age_days: 0, project: '*' });
    const deletion = await bound.delete(`/projects/${SECRET}?permanent=true&dry_run=false`);
    expect([deletion.status, deletion.body.code]).toEqual([403, 'project_not_allowed']);
    for (const { id } of hidden) {
      expect(
        (await bound.post('/memories/bulk', { filter: { ids: [id], status: 'all' }, action: 'delete', dry_run: false }))
          .body.matched,
      ).toBe(0);
    }
    expect(await readHidden(hidden.map(({ id }) => id))).toEqual(hidden);
  });

  it('writes to its project, by default too, and gets an error elsewhere', async () => {
    const own = await bound.post(
      '/memories',
      { title: 'Own', content: 'Mine' },
      { 'X-WhiteMagic-Project': 'derived/folder' },
    );
    expect([own.status, own.body.project]).toEqual([201, OPEN]);
    const path = `/memories/${own.body.id}`;
    const attempts: [Promise<{ status: number; body: Json }>, string][] = [
      [bound.post('/memories', { title: 'x', content: 'x', project: SECRET }), 'project'],
      [bound.post('/memories', { title: 'x', content: 'x', project: null }), 'project'],
      [bound.patch(path, { project: SECRET }), 'project'],
      [bound.put(path, { title: 'x', content: 'x', project: null }), 'project'],
      [
        bound.post('/memories/bulk', { filter: { status: 'all' }, action: 'move', project: SECRET, dry_run: false }),
        'project',
      ],
      [bound.get(`/memories?project=${SECRET}`), 'project'],
      [bound.post('/search', { query: 'x', project: null }), 'project'],
    ];
    for (const [attempt, field] of attempts) {
      const { status, body } = await attempt;
      expect([status, body.code, body.errors[0].path]).toEqual([403, 'project_not_allowed', field]);
      expect(body.detail).toContain(`which are "${OPEN}"`);
    }
    const superseding = await bound.post('/memories', { title: 'x', content: 'y', supersedes: hidden[0].id });
    expect([superseding.status, superseding.body.errors[0].path]).toEqual([422, 'supersedes']);
    expect((await bound.get(path)).body).toMatchObject({ project: OPEN, version: 1, status: 'active' });
  });

  it('sees no version of the time when a memory was in another project, and cannot restore one', async () => {
    const { id } = (await owner.api.post('/memories', { title: 'Moved', content: SECRET, project: SECRET })).body;
    await owner.api.patch(`/memories/${id}`, { project: OPEN, content: 'harmless' });
    await owner.api.patch(`/memories/${id}`, { title: 'Moved again' });
    const { body } = await bound.get(`/memories/${id}/versions`);
    expect([body.total, body.results.map(({ version }: Json) => version)]).toEqual([1, [2]]);
    expect((await bound.post(`/memories/${id}/restore`, { version: 1 })).status).toBe(404);
    expect((await bound.delete(`/memories/${id}?permanent=true`)).status).toBe(200);
    expect((await owner.api.get(`/memories/${id}`)).status).toBe(404);
  });

  it('gets no replay of the response to another key', async () => {
    const headers = { 'Idempotency-Key': 'same' };
    const note = { title: 'Idem', content: SECRET, project: SECRET };
    await owner.api.post('/memories', note, headers);
    const repeat = await bound.post('/memories', { ...note, project: undefined }, headers);
    expect(repeat.body.code).toBe('idempotency_conflict');
    expect((await bound.post('/memories', note, headers)).body.code).toMatch(
      /project_not_allowed|idempotency_conflict/,
    );
  });

  it('finds nothing of another project over MCP: tools, resources and completions', async () => {
    const inputs: Record<string, object[]> = {
      search_memories: [
        { query: `${SECRET} vault` },
        { query: 'vault', project: '*' },
        { query: 'vault', project: SECRET },
      ],
      get_context: [{ query: 'vault' }, { query: 'vault', project: '*', max_tokens: 4_000 }],
      list_memories: [{}, { project: '*', status: 'all' }, { project: 'none' }],
      get_memory: [{ id: hidden[0].id }],
      update_memory: [{ id: hidden[0].id, title: 'Taken' }],
      delete_memory: [{ id: hidden[0].id }],
      restore_memory: [{ id: hidden[2].id }],
      create_memory: [{ content: 'over MCP' }, { content: 'x', project: SECRET }],
      consolidate_memories: [{ dry_run: true }],
    };
    const { tools } = await mcp.listTools();
    for (const { name } of tools) {
      for (const input of inputs[name] ?? [{}]) {
        const result = await mcp.tool(name, input as Record<string, unknown>);
        expectNothingHidden(JSON.stringify(result), JSON.stringify(input), name);
      }
    }
    const { resources } = await mcp.listResources();
    for (const { uri } of resources) {
      expectNothingHidden(JSON.stringify(await mcp.readResource({ uri })), '', uri);
    }
    for (const uri of [
      `memory://memories/${hidden[0].id}`,
      `memory://tags/${SECRET}-tag`,
      `memory://projects/${SECRET}`,
    ]) {
      const read = await mcp.readResource({ uri }).then(JSON.stringify, String);
      expectNothingHidden(read, uri, uri);
    }
    for (const [uri, name] of [
      ['memory://tags/{tag}', 'tag'],
      ['memory://projects/{project}', 'project'],
      ['memory://memories/{id}', 'id'],
    ] as const) {
      const { completion } = await mcp.complete({ ref: { type: 'ref/resource', uri }, argument: { name, value: '' } });
      expectNothingHidden(JSON.stringify(completion), '', uri);
      expect(completion.values.length).toBeGreaterThan(0);
    }
    expect(await readHidden(hidden.map(({ id }) => id))).toEqual(hidden);
  });

  it.each(OPERATIONS.map((operation): [string, Operation] => [operation.id, operation]))(
    'finds nothing of another project with %s, by id or without',
    async (_id, operation) => {
      // The sample makes an object of its own, as the unbound key: of no project, or of a new one.
      const calls = [await sampleCall(operation.id as never, owner)];
      if (operation.http.path.startsWith('/memories/{')) {
        calls.push(await sampleCall(operation.id as never, owner, hidden[0].id));
      }
      for (const call of calls) {
        const response = await sendSample(bound, call);
        expect(response.status, response.text).toBeLessThan(500);
        expectNothingHidden(response.text, JSON.stringify(call), operation.id);
        if (operation.access.wholeAccount) expect(response.body.code).toBe('project_not_allowed');
        if (operation.http.path.startsWith('/memories/{')) expect(response.status).toBe(404);
      }
    },
  );
});

describe('row-level security for a bound key, in statements without a condition', () => {
  it('shows only the memories, versions and keys of its projects, and accepts no other', async () => {
    const { database } = node.service;
    const sql = database.read({ userId: owner.userId, projects: [OPEN] });
    for (const table of ['memories', 'ranked_memories']) {
      const { rows } = await sql.query<{ project: string }>({ text: `select distinct project from ${table}` });
      expect([table, rows]).toEqual([table, [{ project: OPEN }]]);
    }
    const versions = {
      text: 'select from memory_versions v where memory_id = any ($1)',
      values: [hidden.map(({ id }) => id)],
    };
    expect((await sql.query(versions)).rowCount).toBe(0);
    expect((await database.read(owner.userId).query(versions)).rowCount).toBe(1);
    const keys = await sql.query({ text: 'select distinct projects from api_keys' });
    expect(keys.rows).toEqual([{ projects: [OPEN] }]);
    const tenant = { userId: owner.userId, projects: [OPEN] };
    const denied = { code: '42501' };
    const run = (text: string) => database.write(tenant, (tx) => tx.query({ text }));
    await expect(run(`update memories set project = '${SECRET}'`)).rejects.toMatchObject(denied);
    await expect(run('update memories set project = null')).rejects.toMatchObject(denied);
    await expect(run('update api_keys set projects = null')).rejects.toMatchObject(denied);
    expect((await run('delete from memories where project is null')).rowCount).toBe(0);
  });

  it('does not outlast the statement of a bound key on a connection that callers share', async () => {
    const { database } = node.service;
    const count = (tenant: Parameters<typeof database.shared>[0]) =>
      database.shared(tenant).query<{ count: string; role: string }>({
        name: 'test_count',
        text: 'select count(*), current_user as role from memories',
      });
    const results = await Promise.all([
      count(owner.userId),
      count({ userId: owner.userId, projects: ['nowhere'] }),
      count(owner.userId),
    ]);
    const [first, nowhere, last] = results.map(({ rows }) => rows[0]);
    expect(nowhere).toEqual({ count: '0', role: 'wm_bound' });
    expect(first).toEqual(last);
    expect(Number(last?.count)).toBeGreaterThan(4);
  });
});

describe('the projects of a key', () => {
  it('are kept by rotation, shown, and inherited and never exceeded by the keys that it makes', async () => {
    const key = await boundKey({ projects: [OPEN, 'second', OPEN] });
    expect((await key.get('/user/me')).body.key.projects).toEqual([OPEN, 'second']);
    const rotated = await owner.api.post(`/user/keys/${key.id}/rotate`, {});
    expect(rotated.body.projects).toEqual([OPEN, 'second']);
    const heir = await boundKey({}, new Client(node.url, rotated.body.api_key));
    expect((await heir.get('/user/me')).body.key.projects).toEqual([OPEN, 'second']);
    for (const projects of [null, [OPEN, 'third']]) {
      const made = await heir.post('/user/keys', { name: 'wider', projects });
      expect([made.status, made.body.errors[0].path]).toEqual([422, 'projects']);
      expect((await heir.patch(`/user/keys/${heir.id}`, { projects })).status).toBe(422);
    }
    expect((await heir.patch(`/user/keys/${heir.id}`, { projects: ['second'] })).body.projects).toEqual(['second']);
    expect((await heir.get('/memories')).body.total).toBe(0);
    expect((await owner.api.patch(`/user/keys/${heir.id}`, { projects: null })).body.projects).toBeNull();
  });

  it('are named to a key with several that writes without one, and may include the memories of no project', async () => {
    const two = await boundKey({ projects: ['a', 'b'] });
    const unnamed = await two.post('/memories', { title: 'x', content: 'x' });
    expect([unnamed.status, unnamed.body.detail]).toEqual([
      422,
      'project: required: name one of the projects of this API key, "a", "b"',
    ]);
    expect(
      (await two.post('/memories', { title: 'x', content: 'x' }, { 'X-WhiteMagic-Project': 'b' })).body.project,
    ).toBe('b');
    const loose = await boundKey({ projects: ['none'] });
    expect((await loose.post('/memories', { title: 'x', content: 'x' })).body.project).toBeNull();
    expect((await loose.get('/memories?limit=100')).body.results.every(({ project }: Json) => project === null)).toBe(
      true,
    );
    for (const projects of [[], ['*'], [' '], Array.from({ length: 21 }, (_, n) => `p${n}`)]) {
      expect((await owner.api.post('/user/keys', { name: 'x', projects })).status).toBe(422);
    }
  });

  it('follow a rename, and reject a merge by which the key would gain memories', async () => {
    const key = await boundKey({ projects: ['before'] });
    await key.post('/memories', { title: 'Kept', content: 'Kept' });
    const plan = await owner.api.patch('/projects/before', { new_name: 'after' });
    expect(plan.body.bound_keys).toEqual([key.id]);
    expect((await key.get('/user/me')).body.key.projects).toEqual(['before']);
    await owner.api.patch('/projects/before', { new_name: 'after', dry_run: false });
    expect((await key.get('/user/me')).body.key.projects).toEqual(['after']);
    expect((await key.get('/memories')).body.results.map(({ title }: Json) => title)).toEqual(['Kept']);
    const merge = await owner.api.patch('/projects/after', { new_name: OPEN });
    expect([merge.status, merge.body.errors[0].path]).toEqual([422, 'new_name']);
    expect(merge.body.detail).toContain('"bound" (…');
  });
});
