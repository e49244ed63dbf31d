import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { OPERATIONS } from '../../../api/contracts/index.ts';
import type { ApiResponse, Json } from '../../support/client.ts';
import { appOf, appRequestOf } from '../../support/samples.ts';
import { startTestService, type TestService, type TestUser } from '../../support/service.ts';
import { eventsOf } from '../../support/usage.ts';

let node: TestService;
let user: TestUser;

beforeAll(async () => {
  node = await startTestService();
  user = await node.newUser();
});
afterAll(() => node.stop());

let count = 0;
const newKey = () => `key-${++count}`;
/** A memory with a word that must not be kept with a response. */
const note = (title: string, more: object = {}) => ({
  title: `marker ${title}`,
  content: `marker about ${title}`,
  tags: ['marker'],
  ...more,
});

/** Returns what is kept of the response to a key, as JSON. */
async function keptBody(owner: TestUser, key: string): Promise<string | null> {
  const { rows } = await node.service.database.owner.query(
    'select body::text as body from idempotency_keys where user_id = $1 and key = $2',
    [owner.userId, key],
  );
  return rows[0].body;
}

async function stored(owner: TestUser, more: object = {}): Promise<string> {
  return (await owner.api.post('/memories', note(`stored ${++count}`, more))).body.id;
}

async function startedImport(owner: TestUser): Promise<string> {
  return (await owner.api.post('/import', { name: 'to upload' })).body.id;
}

async function webhook(owner: TestUser): Promise<string> {
  return (await owner.api.post('/webhooks', { url: 'https://example.com/' })).body.id;
}

/** Returns a user with the credentials of a write: a key, or a session. */
async function ownerOf({ isOfSession }: Write): Promise<TestUser> {
  const owner = await node.newUser();
  return isOfSession ? { ...owner, api: await owner.signIn() } : owner;
}

interface Write {
  id: string;
  /** For an operation that only a signed-in person may call. */
  isOfSession?: boolean;
  /** Prepares a call that has an effect for this user, and returns its method, path and body. */
  call: (owner: TestUser) => Promise<[method: string, path: string, body?: unknown]>;
  /** Returns another request of the same operation. */
  other: (path: string, body: Json) => [path: string, body?: unknown];
}

const withBody =
  (more: object) =>
  (path: string, body: Json): [string, unknown] => [path, { ...body, ...more }];

const WRITES: Write[] = [
  {
    id: 'memories.create',
    call: async () => ['POST', '/memories', note('create')],
    other: withBody({ title: 'other' }),
  },
  {
    id: 'memories.batch',
    call: async () => ['POST', '/memories/batch', { memories: [note('one'), { title: '' }] }],
    other: withBody({ memories: [note('two')] }),
  },
  {
    id: 'memories.bulk',
    call: async (owner) => {
      await stored(owner, { tags: ['bulk'] });
      return ['POST', '/memories/bulk', { filter: { tags: ['bulk'] }, action: 'archive', dry_run: false }];
    },
    other: withBody({ action: 'delete' }),
  },
  {
    id: 'memories.replace',
    call: async (owner) => ['PUT', `/memories/${await stored(owner)}`, note('replaced')],
    other: withBody({ title: 'other' }),
  },
  {
    id: 'memories.update',
    call: async (owner) => ['PATCH', `/memories/${await stored(owner)}`, { add_tags: ['new'] }],
    other: withBody({ add_tags: ['other'] }),
  },
  {
    id: 'memories.delete',
    call: async (owner) => ['DELETE', `/memories/${await stored(owner)}?permanent=true`],
    other: (path) => [path.replace('true', 'false')],
  },
  {
    id: 'memories.restore',
    call: async (owner) => {
      const id = await stored(owner);
      await owner.api.delete(`/memories/${id}`);
      return ['POST', `/memories/${id}/restore`];
    },
    other: withBody({ type: 'long_term' }),
  },
  {
    id: 'memories.consolidate',
    call: async (owner) => {
      await stored(owner);
      return ['POST', '/consolidate', { dry_run: false, min_age_days: 0 }];
    },
    other: withBody({ min_age_days: 1 }),
  },
  {
    id: 'tags.normalize',
    call: async () => ['POST', '/tags/normalize', { dry_run: false }],
    other: withBody({ dry_run: true }),
  },
  {
    id: 'tags.update',
    call: async (owner) => {
      await stored(owner);
      return ['PATCH', '/tags/marker', { new_tag: 'renamed', dry_run: false }];
    },
    other: withBody({ new_tag: 'other' }),
  },
  {
    id: 'tags.delete',
    call: async (owner) => {
      await stored(owner);
      return ['DELETE', '/tags/marker?dry_run=false'];
    },
    other: (path) => [path.replace('marker', 'other')],
  },
  {
    id: 'projects.update',
    call: async (owner) => {
      await stored(owner, { project: 'first' });
      return ['PATCH', '/projects/first', { new_name: 'second', dry_run: false }];
    },
    other: withBody({ new_name: 'other' }),
  },
  {
    id: 'projects.delete',
    call: async (owner) => {
      await stored(owner, { project: 'first' });
      return ['DELETE', '/projects/first?dry_run=false'];
    },
    other: (path) => [path.replace('first', 'other')],
  },
  {
    id: 'imports.start',
    call: async () => ['POST', '/import', { name: 'one' }],
    other: withBody({ name: 'other' }),
  },
  {
    id: 'imports.upload',
    call: async (owner) => ['PUT', `/import/${await startedImport(owner)}/chunks/0`, { data: 'e30K' }],
    other: withBody({ data: 'e31K' }),
  },
  {
    id: 'imports.run',
    call: async (owner) => {
      const id = await startedImport(owner);
      await owner.api.put(`/import/${id}/chunks/0`, { data: 'e30K' });
      return ['POST', `/import/${id}/run`, {}];
    },
    other: withBody({ dry_run: false }),
  },
  {
    id: 'imports.delete',
    call: async (owner) => ['DELETE', `/import/${await startedImport(owner)}`],
    other: (path) => [path.replace(/.$/, (last) => (last === '0' ? '1' : '0'))],
  },
  {
    id: 'apps.revoke',
    call: async (owner) => ['DELETE', `/user/apps/${await appOf(owner)}`],
    other: (path) => [path.replace(/.$/, (last) => (last === '0' ? '1' : '0'))],
  },
  {
    id: 'apps.decide_request',
    isOfSession: true,
    call: async (owner) => ['POST', `/user/app-requests/${await appRequestOf(owner)}`, { allowed: true }],
    other: withBody({ allowed: false }),
  },
  {
    id: 'device.decide',
    isOfSession: true,
    call: async (owner) => {
      const { body } = await owner.api.post('/device/code', { name: 'whitemagic on a laptop' });
      return ['POST', `/user/device-logins/${body.user_code}`, { approve: true }];
    },
    other: withBody({ approve: false }),
  },
  {
    id: 'sessions.revoke',
    isOfSession: true,
    call: async (owner) => {
      const other = await owner.signIn();
      const { body } = await other.get('/user/sessions');
      const { id } = body.results.find((session: Json) => session.current);
      return ['DELETE', `/user/sessions/${id}`];
    },
    other: (path) => [path.replace(/.$/, (last) => (last === '0' ? '1' : '0'))],
  },
  {
    id: 'sessions.revoke_all',
    isOfSession: true,
    call: async (owner) => {
      await owner.signIn();
      return ['DELETE', '/user/sessions?except_current=true'];
    },
    other: (path) => [path.replace('true', 'false')],
  },
  {
    id: 'keys.create',
    call: async () => ['POST', '/user/keys', { name: 'made once' }],
    other: withBody({ name: 'other' }),
  },
  {
    id: 'keys.update',
    call: async (owner) => [
      'PATCH',
      `/user/keys/${(await owner.api.post('/user/keys', { name: 'k' })).body.id}`,
      { name: 'renamed' },
    ],
    other: withBody({ name: 'other' }),
  },
  {
    id: 'keys.revoke',
    call: async (owner) => ['DELETE', `/user/keys/${(await owner.api.post('/user/keys', { name: 'k' })).body.id}`],
    other: (path) => [path.replace(/.$/, (last) => (last === '0' ? '1' : '0'))],
  },
  {
    id: 'keys.rotate',
    call: async (owner) => ['POST', `/user/keys/${(await owner.api.post('/user/keys', { name: 'k' })).body.id}/rotate`],
    other: withBody({ grace_seconds: 9 }),
  },
  {
    id: 'webhooks.create',
    call: async () => ['POST', '/webhooks', { url: 'https://example.com/' }],
    other: withBody({ url: 'https://example.org/' }),
  },
  {
    id: 'webhooks.update',
    call: async (owner) => ['PATCH', `/webhooks/${await webhook(owner)}`, { status: 'disabled' }],
    other: withBody({ status: 'enabled' }),
  },
  {
    id: 'webhooks.delete',
    call: async (owner) => ['DELETE', `/webhooks/${await webhook(owner)}`],
    other: (path) => [path.replace(/.$/, (last) => (last === '0' ? '1' : '0'))],
  },
  {
    id: 'webhooks.test',
    call: async (owner) => ['POST', `/webhooks/${await webhook(owner)}/test`],
    other: (path) => [path.replace('/test', '/rotate-secret')],
  },
  {
    id: 'webhooks.rotate_secret',
    call: async (owner) => ['POST', `/webhooks/${await webhook(owner)}/rotate-secret`],
    other: withBody({ grace_seconds: 9 }),
  },
  {
    id: 'webhooks.replay',
    call: async (owner) => {
      const id = await webhook(owner);
      const { body } = await owner.api.post(`/webhooks/${id}/test`);
      return ['POST', `/webhooks/${id}/deliveries/${body.id}/replay`];
    },
    other: (path) => [path.replace(/deliveries.*/, 'test')],
  },
  {
    id: 'account.export',
    call: async () => ['POST', '/account/export', {}],
    // This operation has only one possible request.
    other: () => ['/account/restore', {}],
  },
  {
    id: 'account.delete',
    call: async (owner) => ['DELETE', `/account?confirm=${owner.userId}`],
    other: (path) => [`${path}&immediate=true`],
  },
  {
    id: 'account.restore',
    call: async (owner) => {
      await owner.api.delete(`/account?confirm=${owner.userId}`);
      return ['POST', '/account/restore', {}];
    },
    other: () => ['/account/export', {}],
  },
];

/** Returns all rows of a user that a write may change, without the time of a key's last use. */
async function snapshot(owner: TestUser): Promise<string> {
  const tables = [
    'memories',
    'memory_versions',
    'quotas',
    'audit_log',
    'api_keys',
    'exports',
    'imports',
    'outbox',
    'webhooks',
    'webhook_deliveries',
  ];
  const rows = await Promise.all(
    tables.map((table) =>
      node.service.database.owner.query(
        `select to_jsonb(t) - 'last_used_at' as row from ${table} t where user_id = $1 order by 1`,
        [owner.userId],
      ),
    ),
  );
  return JSON.stringify(rows.map((result) => result.rows));
}

it('idempotency tests cover every write operation', () => {
  const writes = OPERATIONS.filter(({ execution }) => execution.kind === 'write').map(({ id }) => id);
  expect(WRITES.map(({ id }) => id).toSorted()).toEqual(writes.toSorted());
});

describe.each(WRITES)('Idempotency-Key of $id', (write) => {
  const { id, call, other } = write;
  const holdsSecret = [
    'keys.create',
    'keys.rotate',
    'webhooks.create',
    'webhooks.rotate_secret',
    'apps.decide_request',
  ].includes(id);

  it('replays the first response without a second effect or event', async () => {
    const owner = await ownerOf(write);
    const [method, path, body] = await call(owner);
    const key = { 'Idempotency-Key': newKey() };
    const first = await owner.api.request(method, path, body, key);
    expect(first.status, first.text).toBeLessThan(300);
    expect(first.headers.get('idempotency-replayed')).toBeNull();
    const [after, events] = [await snapshot(owner), await eventsOf(node, owner.userId)];
    expect(first.headers.get('x-usage-event')).toBe(events.at(-1)?.id);
    for (let repeat = 0; repeat < 2; repeat++) {
      const again = await owner.api.request(method, path, body, key);
      if (holdsSecret) {
        expect(again.status).toBe(409);
        expect(again.body.code).toBe('secret_already_shown');
        expect(again.text).not.toMatch(/wm_test_|whsec_/);
        continue;
      }
      expect({ status: again.status, body: again.body }).toEqual({ status: first.status, body: first.body });
      expect(again.headers.get('idempotency-replayed')).toBe('true');
      for (const name of ['location', 'etag', 'x-usage-event'])
        expect(again.headers.get(name)).toBe(first.headers.get(name));
    }
    expect(await snapshot(owner)).toBe(after);
    // A rejected call has its own event, a replay has not.
    expect((await eventsOf(node, owner.userId)).length - events.length).toBe(holdsSecret ? 2 : 0);
  });

  it('keeps no stored text', async () => {
    const owner = await ownerOf(write);
    const [method, path, body] = await call(owner);
    const key = newKey();
    await owner.api.request(method, path, body, { 'Idempotency-Key': key });
    const kept = await keptBody(owner, key);
    expect(kept === null).toBe(holdsSecret);
    expect(kept ?? '').not.toContain('marker');
  });

  it('rejects the key with another request: 409 without an effect', async () => {
    const owner = await ownerOf(write);
    const [method, path, body] = await call(owner);
    const key = { 'Idempotency-Key': newKey() };
    await owner.api.request(method, path, body, key);
    const after = await snapshot(owner);
    const rejected = await owner.api.request(method, ...pad(other(path, body)), key);
    expect(rejected.status).toBe(409);
    expect(rejected.body.code).toBe('idempotency_conflict');
    expect(await snapshot(owner)).toBe(after);
  });
});

function pad([path, body]: [string, unknown?]): [string, unknown] {
  return [path, body];
}

describe('Idempotency-Key', () => {
  it('executes one of twenty concurrent requests', async () => {
    const owner = await node.newUser();
    const key = { 'Idempotency-Key': newKey() };
    const responses = await Promise.all(
      Array.from({ length: 20 }, () => owner.api.post('/user/keys', { name: 'only one' }, key)),
    );
    expect(responses.map(({ status }) => status).sort()).toEqual([201, ...Array(19).fill(409)]);
    expect((await owner.api.get('/user/keys')).body.total).toBe(2);

    const memory = { 'Idempotency-Key': newKey() };
    const created = await Promise.all(Array.from({ length: 20 }, () => owner.api.post('/memories', note('x'), memory)));
    expect(new Set(created.map(({ status, text }) => `${status} ${JSON.parse(text).id}`)).size).toBe(1);
    expect(created.filter(({ headers }) => headers.get('idempotency-replayed') === 'true')).toHaveLength(19);
    expect(created.every(({ status, body }) => status === 201 && body.deduplicated === false)).toBe(true);
    const creates = (await eventsOf(node, owner.userId)).filter(({ operation }) => operation === 'memories.create');
    expect(creates).toHaveLength(1);
  });

  it('can be used again after a failed call', async () => {
    const key = { 'Idempotency-Key': newKey() };
    const id = await stored(user);
    for (const body of [{ title: '' }, { colour: 'red' }, '{"title": ']) {
      expect((await user.api.patch(`/memories/${id}`, body, key)).status).toBeGreaterThanOrEqual(400);
    }
    expect((await user.api.patch(`/memories/${id}`, { if_version: 9, title: 'x' }, key)).status).toBe(412);
    const done = await user.api.patch(`/memories/${id}`, { title: 'x' }, key);
    expect(done.status).toBe(200);
    expect(done.headers.get('idempotency-replayed')).toBeNull();
  });

  it('replays the present state of a changed memory', async () => {
    const key = { 'Idempotency-Key': newKey() };
    const { body: first } = await user.api.post('/memories', note('changed later'), key);
    await user.api.patch(`/memories/${first.id}`, { content: 'changed' });
    const again = await user.api.post('/memories', note('changed later'), key);
    expect(again.status).toBe(201);
    expect(again.body).toMatchObject({ id: first.id, content: 'changed', version: 2, deduplicated: false });
    expect(again.headers.get('etag')).toBe('"2"');
  });

  it('of a permanently deleted memory is 410, and executes nothing', async () => {
    const owner = await node.newUser();
    const [create, update] = [newKey(), newKey()];
    const { body: made } = await owner.api.post('/memories', note('gone'), { 'Idempotency-Key': create });
    const change = { content: 'marker of a change' };
    await owner.api.patch(`/memories/${made.id}`, change, { 'Idempotency-Key': update });
    await owner.api.delete(`/memories/${made.id}?permanent=true`);
    const replays = [
      await owner.api.post('/memories', note('gone'), { 'Idempotency-Key': create }),
      await owner.api.patch(`/memories/${made.id}`, change, { 'Idempotency-Key': update }),
    ];
    for (const { status, body, text } of replays) {
      expect([status, body.code]).toEqual([410, 'response_gone']);
      expect(text).not.toContain('marker');
    }
    expect((await owner.api.get('/memories')).body.total).toBe(0);
    const { rows } = await node.service.database.owner.query(
      `select to_jsonb(k)::text as row from idempotency_keys k where user_id = $1`,
      [owner.userId],
    );
    for (const { row } of rows) expect(row).not.toContain('marker');
  });

  it('takes the same few bytes for a large memory', async () => {
    const owner = await node.newUser();
    const { body: made } = await owner.api.post('/memories', { title: 'Large', content: 'large text '.repeat(60_000) });
    for (let n = 0; n < 20; n++) {
      expect((await owner.api.patch(`/memories/${made.id}`, {}, { 'Idempotency-Key': newKey() })).status).toBe(200);
    }
    const { rows } = await node.service.database.owner.query(
      'select sum(pg_column_size(k.*))::int as bytes from idempotency_keys k where user_id = $1',
      [owner.userId],
    );
    expect(rows[0].bytes).toBeLessThan(20 * 300);
  });

  it('does not keep a response of more than 256 KiB: its repeat is 410', async () => {
    const memories = Array.from({ length: 100 }, (_, n) => ({
      title: '',
      content: 'c',
      [`${n}${'k'.repeat(5_000)}`]: 1,
    }));
    const key = newKey();
    const first = await user.api.post('/memories/batch', { memories }, { 'Idempotency-Key': key });
    expect(first.status).toBe(200);
    const again = await user.api.post('/memories/batch', { memories }, { 'Idempotency-Key': key });
    if (Buffer.byteLength(first.text) > 262_144)
      expect([again.status, again.body.code]).toEqual([410, 'response_gone']);
    else expect(again.body).toEqual(first.body);
  });

  it('keeps responses of more than 1 KiB up to 4 MiB per user', async () => {
    const owner = await node.newUser();
    const archive = async () => {
      const ids: string[] = [];
      for (let n = 0; n < 40; n++) ids.push(await stored(owner));
      const key = newKey();
      const change = { filter: { ids }, action: 'archive', dry_run: false };
      expect((await owner.api.post('/memories/bulk', change, { 'Idempotency-Key': key })).status).toBe(200);
      const again = await owner.api.post('/memories/bulk', change, { 'Idempotency-Key': key });
      return again.status;
    };
    expect(await archive()).toBe(200);
    await node.service.database.owner.query(
      `insert into idempotency_keys (user_id, key, request_hash, status, body, event_id, day, created_at)
      select $1, 'filler-' || n, '', 200, to_jsonb((select string_agg(md5((n * i)::text), '') from generate_series(1, 20000) i)),
        gen_random_uuid(), current_date, now()
      from generate_series(1, 12) n`,
      [owner.userId],
    );
    expect(await archive()).toBe(410);
    const small = { 'Idempotency-Key': newKey() };
    await owner.api.post('/memories', note('small'), small);
    expect((await owner.api.post('/memories', note('small'), small)).status).toBe(201);
  });

  it('is scoped to the user', async () => {
    const stranger = await node.newUser();
    const key = { 'Idempotency-Key': newKey() };
    const mine = await user.api.post('/memories', note('shared key'), key);
    const theirs = await stranger.api.post('/memories', note('shared key'), key);
    expect([mine.status, theirs.status]).toEqual([201, 201]);
    expect(theirs.body.id).not.toBe(mine.body.id);
    expect(theirs.headers.get('idempotency-replayed')).toBeNull();
  });

  it('is the same with and without the quotes of the IETF draft', async () => {
    const key = newKey();
    const first = await user.api.post('/memories', note('quoted'), { 'Idempotency-Key': `"${key}"` });
    const again = await user.api.post('/memories', note('quoted'), { 'Idempotency-Key': key });
    expect(again.headers.get('idempotency-replayed')).toBe('true');
    expect(again.body.id).toBe(first.body.id);
  });

  it('ignores the order of fields and explicit defaults', async () => {
    const key = { 'Idempotency-Key': newKey() };
    await user.api.post('/memories', '{"title": "order", "content": "c"}', key);
    const again = await user.api.post('/memories', '{"content":"c","tags":[],"title":"order"}', key);
    expect(again.headers.get('idempotency-replayed')).toBe('true');
  });

  it('distinguishes requests by the default project and by If-Match', async () => {
    const key = { 'Idempotency-Key': newKey() };
    const post = (project: string) =>
      user.api.post('/memories', note('header'), { ...key, 'X-WhiteMagic-Project': project });
    expect((await post('a')).status).toBe(201);
    expect((await post('b')).body.code).toBe('idempotency_conflict');
    const id = await stored(user);
    const patchKey = { 'Idempotency-Key': newKey() };
    const patch = (version: string) =>
      user.api.patch(`/memories/${id}`, { add_tags: ['z'] }, { ...patchKey, 'If-Match': version });
    expect((await patch('"1"')).status).toBe(200);
    expect((await patch('"2"')).body.code).toBe('idempotency_conflict');
  });

  it('expires after a day', async () => {
    const key = newKey();
    const header = { 'Idempotency-Key': key };
    await user.api.post('/memories', note('yesterday'), header);
    await node.service.database.owner.query(
      `update idempotency_keys set created_at = created_at - interval '25 hours' where user_id = $1 and key = $2`,
      [user.userId, key],
    );
    const today = await user.api.post('/memories', note('today'), header);
    expect(today.status).toBe(201);
    expect(today.headers.get('idempotency-replayed')).toBeNull();
    expect((await user.api.post('/memories', note('today'), header)).headers.get('idempotency-replayed')).toBe('true');
  });

  it.each([
    ['too long', 'x'.repeat(256)],
    ['with a space', 'a b'],
    ['not ASCII', 'schl\u00fcssel'],
    ['an empty quoted string', '""'],
  ])('rejects an invalid value with a 400 that names the header: %s', async (_what, key) => {
    const rejected = await user.api.post('/memories', note('bad key'), { 'Idempotency-Key': key });
    expect(rejected.status).toBe(400);
    expect(rejected.body.errors).toEqual([
      { path: 'Idempotency-Key', message: 'must be 1 to 255 visible ASCII characters' },
    ]);
  });

  it('accepts 255 characters and has no effect on reads', async () => {
    const key = { 'Idempotency-Key': 'x'.repeat(255) };
    expect((await user.api.post('/memories', note('long key'), key)).status).toBe(201);
    const reads: ApiResponse[] = [
      await user.api.get('/memories', key),
      await user.api.post('/search', { query: 'x' }, key),
    ];
    for (const read of reads) {
      expect(read.status).toBe(200);
      expect(read.headers.get('idempotency-replayed')).toBeNull();
    }
  });
});
