import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { updateOverrides } from '../../../db/queries/accounts/users.ts';
import type { Json } from '../../support/client.ts';
import { startTestService, type TestService, type TestUser } from '../../support/service.ts';
import { eventsOf } from '../../support/usage.ts';

let node: TestService;
let user: TestUser;

beforeAll(async () => {
  node = await startTestService();
  user = await node.newUser();
});
afterAll(() => node.stop());

const note = (title: string, more: object = {}) => ({ title, content: `About ${title}`, ...more });

/** Creates a user who stores these memories in this order. */
async function userWith(memories: object[]): Promise<{ owner: TestUser; ids: string[] }> {
  const owner = await node.newUser();
  const ids: string[] = [];
  for (const memory of memories) ids.push((await owner.api.post('/memories', memory)).body.id);
  return { owner, ids };
}

/** Returns everything that a user stores as JSON, to assert that nothing was written in between. */
async function snapshot(owner: TestUser): Promise<string> {
  const tables = ['memories', 'memory_versions', 'quotas', 'audit_log'];
  const rows = await Promise.all(
    tables.map((table) =>
      node.service.database.owner.query(`select to_jsonb(t) as row from ${table} t where user_id = $1 order by 1`, [
        owner.userId,
      ]),
    ),
  );
  return JSON.stringify(rows.map((result) => result.rows));
}

/** Inserts memories by SQL, active unless `columns` says otherwise: status and content. */
async function fill(owner: TestUser, count: number, columns = "'active', 'c' || n"): Promise<void> {
  await node.service.database.owner.query(
    `insert into memories (user_id, id, type, title, status, content, content_hash, size_bytes, created_at, updated_at)
      select $1, ('019ab0c0-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid, 'short_term', 'filled', ${columns},
        sha256(n::text::bytea), 10, now(), now()
      from generate_series(1, $2) n`,
    [owner.userId, count],
  );
}

async function override(owner: TestUser, overrides: object): Promise<void> {
  await node.service.database.ownerWrite((sql) => updateOverrides(sql, owner.userId, overrides, new Date()));
  await vi.waitFor(async () => expect((await owner.api.get('/user/me')).body.limits).toMatchObject(overrides));
}

describe('POST /memories/batch', () => {
  it('returns a result per item in order, and a rejected item leaves the others alone', async () => {
    const { owner, ids } = await userWith([note('old')]);
    const { status, body } = await owner.api.post('/memories/batch', {
      memories: [
        note('first'),
        { title: '', content: 'x' },
        note('old', { tags: ['new'] }),
        note('first'),
        note('typo', { colour: 'red' }),
        'no object',
        null,
        note('orphan', { supersedes: '019ab0c0-0000-7000-8000-000000000000' }),
        note('tags', { tags: Array.from({ length: 101 }, (_, i) => `t${i}`) }),
        note('last'),
      ],
    });
    expect(status).toBe(200);
    expect(body.results.map((result: Json) => result.index)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(body.results.map((result: Json) => result.error?.code ?? result.status)).toEqual([
      'created',
      'unprocessable',
      'deduplicated',
      'deduplicated',
      'invalid_request',
      'invalid_request',
      'invalid_request',
      'unprocessable',
      'unprocessable',
      'created',
    ]);
    expect(body.results[1].error.errors[0].path).toBe('title');
    expect(body.results[4].error.errors).toEqual([{ path: 'colour', message: 'is not a known field' }]);
    expect(body.results[2].id).toBe(ids[0]);
    expect(body.results[3].id).toBe(body.results[0].id);
    const stored = (await owner.api.get('/memories?order=asc')).body.results;
    expect(stored.map((memory: Json) => memory.title)).toEqual(['old', 'first', 'last']);
    expect(stored[0].tags).toEqual(['new']);
    for (const index of [0, 9]) expect((await owner.api.get(`/memories/${body.results[index].id}`)).status).toBe(200);
  });

  it('accepts 1 to 100 memories', async () => {
    const memories = (count: number) => Array.from({ length: count }, (_, i) => note(`item ${i}`));
    expect((await user.api.post('/memories/batch', { memories: memories(1) })).status).toBe(200);
    const most = await user.api.post('/memories/batch', { memories: memories(100) });
    expect(most.body.results).toHaveLength(100);
    expect(most.body.results.map((result: Json) => result.status).slice(0, 2)).toEqual(['deduplicated', 'created']);
    for (const count of [0, 101]) {
      const rejected = await user.api.post('/memories/batch', { memories: memories(count) });
      expect(rejected.status).toBe(422);
      expect(rejected.body.errors[0].path).toBe('memories');
    }
  });

  it('stores the items that fit into the storage of the plan, and reports the rejected ones', async () => {
    const owner = await node.newUser();
    await node.service.database.owner.query(
      `update users set overrides = overrides || '{"storage_bytes": 1000}' where id = $1`,
      [owner.userId],
    );
    const item = (i: number, length: number) => ({ title: `${i}`, content: 'x'.repeat(length) });
    const { body } = await owner.api.post('/memories/batch', { memories: [item(1, 600), item(2, 600), item(3, 300)] });
    expect(body.results.map((result: Json) => result.error?.code ?? result.status)).toEqual([
      'created',
      'storage_full',
      'created',
    ]);
    expect((await owner.api.get('/stats')).body.storage).toEqual({ bytes: 902, limit_bytes: 1_000 });
    const single = await owner.api.post('/memories', item(4, 600));
    expect(single.status).toBe(403);
    expect(single.body).toMatchObject({ code: 'storage_full', storage_bytes: 902, limit_bytes: 1_000 });
  });

  it('succeeds for two concurrent calls with the same memories in opposite order', async () => {
    const owner = await node.newUser();
    const memories = Array.from({ length: 30 }, (_, i) => note(`crossing ${i}`));
    const answers = await Promise.all(
      [memories, memories.toReversed()].map((given) => owner.api.post('/memories/batch', { memories: given })),
    );
    expect(answers.map(({ status }) => status)).toEqual([200, 200]);
    expect((await owner.api.get('/memories')).body.total).toBe(30);
  });
});

/** Returns the search index of a user's memories by lexemes: the hashes of two users differ. */
async function indexOf(owner: TestUser): Promise<object[]> {
  const { rows } = await node.service.database.owner.query(
    `select m.title, m.length, m.size_bytes, m.content_hash, m.occurred_offset_minutes, m.expires_at, m.metadata, (
        select array_agg(concat_ws(' ', x.lexeme, x.memories, t.frequency, t.block) order by x.lexeme)
        from unnest(m.terms, m.frequencies, m.term_blocks) as t (hash, frequency, block)
          join lexicon x on x.user_id = m.user_id and x.hash = t.hash
      ) as terms, q.memories, q.words, q.storage_bytes
      from memories m
      join quotas q using (user_id)
      where user_id = $1
      order by title`,
    [owner.userId],
  );
  return rows;
}

/** Returns the lexemes of a user that are counted otherwise than a rebuild of the lexicon would, and the difference of all terms. */
async function miscounted(owner: TestUser): Promise<unknown[]> {
  const { rows } = await node.service.database.owner.query(
    `with held as (
        select hash, count(*) as memories
        from memories, unnest(terms) as hash
        where user_id = $1
        group by hash
      )
      select lexeme, x.memories, held.memories as rebuilt
      from (select * from lexicon where user_id = $1) x
        full join held using (hash)
      where coalesce(x.memories, 0) <> coalesce(held.memories, 0)
      union all
      select 'all terms', words, (select sum(length) from memories where user_id = $1)
      from quotas
      where user_id = $1 and words <> (select sum(length) from memories where user_id = $1)`,
    [owner.userId],
  );
  return rows;
}

describe('memories that are stored together', () => {
  const memories = [
    note('Deploying', {
      tags: ['deploy', 'api'],
      metadata: { by: 'ünï', n: [1, null] },
      project: 'p',
      session_id: 's',
    }),
    note('deployed the deploys', { occurred_at: '2026-03-01T23:30:00-05:00', expires_at: '2099-01-01T00:00:00Z' }),
    { title: 'the', content: 'the of and' },
    { title: 'quotes', content: 'a "quoted" \\ back\\slash\n{json} 日本語のテキスト' },
    { title: 'long', content: Array.from({ length: 4_000 }, (_, n) => `word${n % 700} deploy`).join(' ') },
  ];

  it('have the same search index as those of single creates', async () => {
    const { owner: single } = await userWith(memories);
    const together = await node.newUser();
    const { body } = await together.api.post('/memories/batch', { memories: [...memories, memories[0]] });
    expect(body.results.map(({ status }: Json) => status)).toEqual([...memories.map(() => 'created'), 'deduplicated']);
    const [one, other] = [await indexOf(single), await indexOf(together)];
    expect(one).toHaveLength(memories.length);
    expect(other).toEqual(one);
    const found = await together.api.post('/search', { query: 'word699' });
    expect(found.body.results[0].title).toBe('long');
  });

  it('leave the term frequencies of a rebuild, beside creates, changes and deletes at the same time', async () => {
    const owner = await node.newUser();
    const batch = (from: number) => ({
      memories: Array.from({ length: 20 }, (_, n) => note(`subject ${(from + n) % 50} shared deploys`)),
    });
    const write = async (n: number) => {
      const { body } = await owner.api.post('/memories', note(`single ${n} deploy shared`));
      if (n % 2 === 0) await owner.api.patch(`/memories/${body.id}`, { content: `Changed ${n} deploying` });
      if (n % 3 === 0) await owner.api.delete(`/memories/${body.id}?permanent=true`);
    };
    await Promise.all([
      ...[0, 15, 30].map((from) => owner.api.post('/memories/batch', batch(from))),
      ...Array.from({ length: 9 }, (_, n) => write(n)),
    ]);
    expect((await owner.api.get('/stats')).body.memories.total).toBe(56);
    expect(await miscounted(owner)).toEqual([]);
  });
});

describe('POST /memories/bulk', () => {
  const actions: [action: string, more: object, changed: number[]][] = [
    ['archive', {}, [0, 1]],
    ['restore', {}, [2]],
    ['delete', {}, [0, 1, 2]],
    ['add_tags', { tags: ['X'] }, [0, 2]],
    ['remove_tags', { tags: ['x', ' A '] }, [0, 1, 2]],
  ];

  it.each(actions)(
    '%s › the dry run writes nothing and lists what the real run changes',
    async (action, more, which) => {
      const { owner, ids } = await userWith([
        note('a', { tags: ['a'] }),
        note('b', { tags: ['a', 'x'] }),
        note('c', { tags: ['a'] }),
        note('d', { tags: ['d'] }),
      ]);
      await owner.api.delete(`/memories/${ids[2]}`);
      const request = { filter: { status: 'all', tags: ['A'] }, action, ...more };
      const before = await snapshot(owner);
      const dry = await owner.api.post('/memories/bulk', request);
      expect(dry.body).toEqual({
        dry_run: true,
        action,
        matched: 3,
        changed: which.map((index) => ids[index]),
        rejected: [],
        remaining: 0,
      });
      expect(await snapshot(owner)).toBe(before);
      const real = await owner.api.post('/memories/bulk', { ...request, dry_run: false });
      expect(real.body).toEqual({ ...dry.body, dry_run: false });
      const after = await Promise.all(ids.map((id) => owner.api.get(`/memories/${id}`)));
      const expected: Record<string, object[]> = {
        archive: [{ status: 'archived' }, { status: 'archived' }, { status: 'archived' }],
        restore: [{ status: 'active' }, { status: 'active' }, { status: 'active' }],
        add_tags: [{ tags: ['a', 'x'] }, { tags: ['a', 'x'] }, { tags: ['a', 'x'], status: 'archived' }],
        remove_tags: [{ tags: [] }, { tags: [] }, { tags: [] }],
      };
      if (action === 'delete') expect(after.map(({ status }) => status)).toEqual([404, 404, 404, 200]);
      else
        expect(after.map(({ body }) => body)).toMatchObject([...(expected[action] ?? []), { tags: ['d'], version: 1 }]);
      const again = await owner.api.post('/memories/bulk', { ...request, dry_run: false });
      expect(again.body.changed).toEqual([]);
    },
  );

  it('reports the memories it rejects, also in the dry run: of two archived duplicates one is restored', async () => {
    const { owner, ids } = await userWith([note('duplicate')]);
    await owner.api.delete(`/memories/${ids[0]}`);
    const second = await owner.api.post('/memories', note('duplicate'));
    await owner.api.delete(`/memories/${second.body.id}`);
    const request = { filter: { status: 'archived' }, action: 'restore' };
    const dry = (await owner.api.post('/memories/bulk', request)).body;
    const real = (await owner.api.post('/memories/bulk', { ...request, dry_run: false })).body;
    expect(real.changed).toEqual(ids);
    expect(real.rejected).toMatchObject([{ id: second.body.id, code: 'duplicate_memory' }]);
    expect({ ...dry, dry_run: false }).toEqual(real);
  });

  it('changes at most 1,000 memories per call, oldest first, and returns how many remain', async () => {
    const owner = await node.newUser();
    for (let page = 0; page < 11; page++) {
      const memories = Array.from({ length: 100 }, (_, i) => note(`${page}-${i}`));
      await owner.api.post('/memories/batch', { memories: page === 10 ? memories.slice(0, 5) : memories });
    }
    const request = { filter: { type: 'short_term' }, action: 'delete', dry_run: false };
    const first = (await owner.api.post('/memories/bulk', request)).body;
    expect(first).toMatchObject({ matched: 1_005, remaining: 5 });
    expect(first.changed).toHaveLength(1_000);
    const left = (await owner.api.get('/memories')).body.results.map((memory: Json) => memory.title);
    expect(left).toEqual(['10-4', '10-3', '10-2', '10-1', '10-0']);
    expect((await owner.api.post('/memories/bulk', request)).body).toMatchObject({ matched: 5, remaining: 0 });
    expect((await owner.api.get('/stats')).body.storage.bytes).toBe(0);
  });

  it('ends by repetition: the next call changes the memories that the first one left', async () => {
    const owner = await node.newUser();
    await fill(owner, 1_030);
    for (const [action, more, left] of [
      ['add_tags', { tags: ['new'] }, '?tags_match=exact'],
      ['archive', {}, ''],
    ] as const) {
      const run = async () =>
        (await owner.api.post('/memories/bulk', { filter: { status: 'all' }, action, ...more, dry_run: false })).body;
      expect(await run()).toMatchObject({ matched: 1_030, remaining: 30 });
      const last = await run();
      expect(last).toMatchObject({ matched: 1_030, remaining: 0, rejected: [] });
      expect(last.changed).toHaveLength(30);
      expect((await run()).changed).toEqual([]);
      expect((await owner.api.get(`/memories${left}`)).body.total).toBe(0);
    }
  }, 300_000);

  it('restores what it can before it reports memories that it rejects', async () => {
    const owner = await node.newUser();
    await owner.api.post('/memories', note('active'));
    await fill(owner, 40, "'archived', 'About active'");
    const { rows } = await node.service.database.owner.query(
      "select content_hash from memories where user_id = $1 and status = 'active'",
      [owner.userId],
    );
    const last = await owner.api.post('/memories', note('restorable'));
    await owner.api.delete(`/memories/${last.body.id}`);
    await node.service.database.owner.query(
      "update memories set title = 'active', content_hash = $2 where user_id = $1 and status = 'archived' and title <> 'restorable'",
      [owner.userId, rows[0].content_hash],
    );
    await override(owner, { requests_per_minute: 8 });
    const run = async () =>
      (await owner.api.post('/memories/bulk', { filter: { status: 'archived' }, action: 'restore', dry_run: false }))
        .body;
    const first = await run();
    expect(first).toMatchObject({ changed: [last.body.id], remaining: 0 });
    expect(first.rejected).toHaveLength(39);
    expect(await run()).toMatchObject({ changed: [], remaining: 0 });
  });

  it('returns 403 when a full storage rejects every change', async () => {
    const { owner } = await userWith([note('one'), note('two')]);
    await override(owner, { storage_bytes: 30 });
    const request = { filter: { status: 'all' }, action: 'add_tags', tags: ['x'], dry_run: false };
    const rejected = await owner.api.post('/memories/bulk', request);
    expect([rejected.status, rejected.body.code]).toEqual([403, 'storage_full']);
  });

  it('costs a quota unit for every started ten memories that it changes, at least one', async () => {
    const owner = await node.newUser();
    await fill(owner, 25);
    const tag = (tags: string[], dry_run: boolean) =>
      owner.api.post('/memories/bulk', { filter: { status: 'all' }, action: 'add_tags', tags, dry_run });
    await tag(['x'], true);
    await tag(['x'], false);
    await tag(['x'], false);
    const events = await eventsOf(node, owner.userId);
    expect(events.filter(({ operation }) => operation === 'memories.bulk').map(({ units }) => units)).toEqual([
      3, 3, 1,
    ]);
    await override(owner, { requests_per_day: 9 });
    const rejected = await tag(['y'], false);
    expect([rejected.status, rejected.body.code]).toEqual([429, 'quota_exceeded']);
    const { rows } = await node.service.database.owner.query(
      "select count(*)::int as tagged from memories where user_id = $1 and tags @> '{y}'",
      [owner.userId],
    );
    expect(rows).toEqual([{ tagged: 0 }]);
  });

  it('selects memories by id, and never those of another tenant', async () => {
    const { owner, ids } = await userWith([note('mine')]);
    const stranger = await userWith([note('theirs')]);
    const request = { filter: { ids: [...ids, ...stranger.ids] }, action: 'delete', dry_run: false };
    expect((await owner.api.post('/memories/bulk', request)).body).toMatchObject({ matched: 1, changed: ids });
    expect((await stranger.owner.api.get('/memories')).body.total).toBe(1);
  });

  it('requires a filter that narrows, tags for a tag action, and known fields', async () => {
    const bulk = (body: object) => user.api.post('/memories/bulk', body);
    const cases: [body: object, status: number, path: string][] = [
      [{ filter: {}, action: 'delete' }, 422, 'filter'],
      [{ filter: { status: 'active' }, action: 'delete' }, 422, 'filter'],
      [{ action: 'delete' }, 400, 'filter'],
      [{ filter: { tags: ['a'] }, action: 'explode' }, 400, 'action'],
      [{ filter: { tags: ['a'] }, action: 'add_tags' }, 422, 'tags'],
      [{ filter: { tags: ['a'] }, action: 'add_tags', tags: [] }, 422, 'tags'],
      [{ filter: { colour: 'red' }, action: 'archive' }, 400, 'filter.colour'],
      [{ filter: { ids: ['1'] }, action: 'archive' }, 400, 'filter.ids.0'],
      [{ filter: { tags: ['a'] }, action: 'archive', dry_run: 'no' }, 400, 'dry_run'],
    ];
    for (const [body, status, path] of cases) {
      const rejected = await bulk(body);
      expect(rejected.status, JSON.stringify(body)).toBe(status);
      expect(rejected.body.errors[0].path).toBe(path);
    }
    expect((await bulk({ filter: { status: 'all' }, action: 'archive' })).status).toBe(200);
  });

  it('rejects a filter without conditions, such as an empty list of tags', async () => {
    const { owner } = await userWith([note('keep me')]);
    for (const filter of [{ tags: [] }, { project: '*' }, { tags: [' '] }]) {
      const rejected = await owner.api.post('/memories/bulk', { filter, action: 'delete', dry_run: false });
      expect(rejected.status, JSON.stringify(filter)).toBe(422);
    }
    expect((await owner.api.get('/memories')).body.total).toBe(1);
  });
});

describe('POST /tags/normalize', () => {
  it('normalizes the tags of active and archived memories as its dry run reported', async () => {
    const { owner, ids } = await userWith([note('a'), note('b'), note('c', { tags: ['fine'] })]);
    await owner.api.delete(`/memories/${ids[1]}`);
    const setTags = (id: string | undefined, tags: string[]) =>
      node.service.database.owner.query('update memories set tags = $3 where user_id = $1 and id = $2', [
        owner.userId,
        id,
        tags,
      ]);
    await setTags(ids[0], ['My Tag', 'my tag', '']);
    await setTags(ids[1], [' X ']);
    const before = await snapshot(owner);
    const dry = (await owner.api.post('/tags/normalize')).body;
    expect(dry).toEqual({
      dry_run: true,
      changed: [
        { id: ids[0], title: 'a', before: ['My Tag', 'my tag', ''], after: ['my_tag'] },
        { id: ids[1], title: 'b', before: [' X '], after: ['x'] },
      ],
      remaining: 0,
    });
    expect(await snapshot(owner)).toBe(before);
    const real = (await owner.api.post('/tags/normalize', { dry_run: false })).body;
    expect(real).toEqual({ ...dry, dry_run: false });
    expect((await owner.api.get(`/memories/${ids[0]}`)).body).toMatchObject({ tags: ['my_tag'], version: 2 });
    expect((await owner.api.get(`/memories/${ids[1]}`)).body).toMatchObject({ tags: ['x'], status: 'archived' });
    expect((await owner.api.get(`/memories/${ids[2]}`)).body.version).toBe(1);
    expect((await owner.api.post('/tags/normalize', { dry_run: false })).body.changed).toEqual([]);
  });
});
