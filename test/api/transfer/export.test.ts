import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { createGunzip, gunzipSync } from 'node:zlib';
import { v7 as uuidv7 } from 'uuid';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { deleteExpiredExports, EXPORT_DAYS, writeExport } from '../../../api/transfer/export.ts';
import { TERMS_VERSION } from '../../../api/version.ts';
import { Client, type Json } from '../../support/client.ts';
import { mailParts } from '../../support/mail-parts.ts';
import { type MailSink, startMailSink } from '../../support/mail-sink.ts';
import { expectProblem } from '../../support/openapi.ts';
import { spawnScript } from '../../support/run-script.ts';
import { startTestService, type TestService, type TestUser } from '../../support/service.ts';
import { eventsOf } from '../../support/usage.ts';

vi.setConfig({ testTimeout: 120_000 });

const MISSING = '019ab0c0-0000-7000-8000-000000000000';

const clock = { now: () => new Date(), newId: () => uuidv7() };

let sink: MailSink;
/** A service with a job worker. */
let node: TestService;
/** A service with its own database and without a job worker. */
let idle: TestService;

beforeAll(async () => {
  sink = await startMailSink();
  node = await startTestService({ jobs: true, smtpUrl: sink.url });
  idle = await startTestService();
});
afterAll(async () => {
  await Promise.all([node.stop(), idle.stop()]);
  await sink.close();
});

/** Requests an export and waits until it is ready. */
async function exported(user: TestUser): Promise<Json> {
  const requested = await user.api.post('/account/export', {});
  expect([requested.status, requested.body.status]).toEqual([202, 'pending']);
  const state = () => user.api.get('/account/export');
  await vi.waitUntil(async () => (await state()).body.status === 'ready', { timeout: 60_000 });
  const { body } = await state();
  expect(body.id).toBe(requested.body.id);
  return body;
}

function download(at: TestService, { apiKey }: { apiKey: string }): Promise<Response> {
  return fetch(`${at.url}/api/v1/account/export/file`, { headers: { Authorization: `Bearer ${apiKey}` } });
}

async function linesOf(at: TestService, user: TestUser): Promise<Json[]> {
  const response = await download(at, user);
  expect(response.status).toBe(200);
  const text = gunzipSync(Buffer.from(await response.arrayBuffer())).toString('utf8');
  return text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
}
const ofKind = (lines: Json[], kind: string) => lines.filter((line) => line.kind === kind);

describe('account export', () => {
  it('contains all data of the account, one JSON object per line after a manifest, and no secret', async () => {
    const user = await node.newUser({ email: 'leaving@example.com' });
    const other = await node.newUser();
    await other.api.post('/memories', { title: 'Not yours', content: 'secret of another' });
    const made = await user.api.post('/memories', {
      title: 'Quelle heure',
      content: 'line one\nline two 👩‍👩‍👧',
      tags: ['b', 'a'],
      metadata: { nested: { list: [1, null, 'x'] } },
      occurred_at: '2026-11-02T09:45:30.123+05:30',
    });
    await user.api.patch(`/memories/${made.body.id}`, { content: 'changed' });
    const key = await user.api.post('/user/keys', { name: 'second' });
    await user.signIn();
    const memory = (await user.api.get(`/memories/${made.body.id}`)).body;
    await vi.waitUntil(() => sink.received.length > 0);

    const state = await exported(user);
    const lines = await linesOf(node, user);
    const [manifest] = lines;
    expect(manifest).toMatchObject({
      kind: 'manifest',
      format: 'whitemagic-export',
      version: 1,
      account: {
        id: user.userId,
        email: 'leaving@example.com',
        plan: 'enterprise',
        status: 'active',
        terms_version: TERMS_VERSION,
        terms_accepted_at: expect.stringMatching(/^20/),
      },
      counts: { memory: 1, memory_version: 1, api_key: 2 },
    });
    expect(state.counts).toEqual(manifest.counts);
    for (const [kind, count] of Object.entries(manifest.counts))
      expect([kind, ofKind(lines, kind).length]).toEqual([kind, count]);

    const { superseded_by: _derived, next_offset: _page, truncated: _cut, ...stored } = memory;
    expect(ofKind(lines, 'memory')).toEqual([{ kind: 'memory', ...stored }]);
    expect(ofKind(lines, 'memory_version')).toEqual([
      expect.objectContaining({
        memory_id: memory.id,
        version: 1,
        content: 'line one\nline two 👩‍👩‍👧',
        tags: ['b', 'a'],
      }),
    ]);
    const keys = (await user.api.get('/user/keys')).body.results;
    expect(
      ofKind(lines, 'api_key')
        .map(({ id }) => id)
        .toSorted(),
    ).toEqual(keys.map(({ id }: Json) => id).toSorted());
    expect(
      ofKind(lines, 'usage_day').some(({ operation, calls }) => operation === 'memories.create' && calls === 1),
    ).toBe(true);
    expect(ofKind(lines, 'audit').some(({ action }) => action === 'keys.create')).toBe(true);
    const text = JSON.stringify(lines);
    for (const secret of [user.apiKey, key.body.api_key, 'secret of another', 'hash'])
      expect(text).not.toContain(secret);
  });

  it('sends an e-mail that leads to the download once it is ready', async () => {
    const user = await node.newUser({ email: 'ready@example.com' });
    await exported(user);
    const emails = () =>
      sink.received.filter(({ to }) => to.includes('ready@example.com')).map(({ source }) => mailParts(source));
    await vi.waitFor(() => expect(emails()).toHaveLength(1));
    expect(emails()[0]?.subject).toBe('The export of your WhiteMagic account is ready');
    expect(emails()[0]?.text).toContain(`${node.url}/app/account`);
  });

  it('is sent with a file name and its size, and metered by its bytes', async () => {
    const user = await node.newUser();
    const { bytes, created_at, file } = await exported(user);
    expect(file).toBe('/api/v1/account/export/file');
    const response = await download(node, user);
    expect(
      Object.fromEntries(
        ['content-type', 'content-length', 'content-disposition', 'cache-control'].map((name) => [
          name,
          response.headers.get(name),
        ]),
      ),
    ).toEqual({
      'content-type': 'application/gzip',
      'content-length': String(bytes),
      'content-disposition': `attachment; filename="whitemagic-export-${created_at.slice(0, 10)}.ndjson.gz"`,
      'cache-control': 'no-store',
    });
    expect((await response.arrayBuffer()).byteLength).toBe(bytes);
    const head = await fetch(`${node.url}${file}`, {
      method: 'HEAD',
      headers: { Authorization: `Bearer ${user.apiKey}` },
    });
    expect([head.status, head.headers.get('content-length'), await head.text()]).toEqual([200, String(bytes), '']);
    const events = await eventsOf(node, user.userId);
    expect(events.find(({ operation }) => operation === 'account.export_file')).toMatchObject({
      status: 200,
      bytes_out: bytes,
    });
  });

  it('returns the pending export when requested again, and replaces a finished one', async () => {
    const user = await idle.newUser();
    const requested = await Promise.all(Array.from({ length: 5 }, () => user.api.post('/account/export', {})));
    const ids = new Set(requested.map(({ body }) => body.id));
    expect(ids.size).toBe(1);
    const [first] = [...ids];
    await writeExport(idle.service.database, clock, user.userId, first);
    await user.api.post('/memories', { title: 'later', content: 'c' });
    const second = (await user.api.post('/account/export', {})).body.id;
    expect(second).not.toBe(first);
    expect((await user.api.get('/account/export')).body).toMatchObject({ id: second, status: 'pending', file: null });
    expect(ofKind(await linesOf(idle, user), 'memory')).toEqual([]);
    await writeExport(idle.service.database, clock, user.userId, second);
    expect(ofKind(await linesOf(idle, user), 'memory')).toHaveLength(1);
    const audit = await idle.service.database.owner.query(
      "select target from audit_log where user_id = $1 and action = 'account.export' order by at",
      [user.userId],
    );
    expect(audit.rows.map(({ target }) => target)).toEqual([first, second]);
    const { rows } = await idle.service.database.owner.query('select id from exports where user_id = $1', [
      user.userId,
    ]);
    expect(rows).toEqual([{ id: second }]);
  });

  it('requires the scope memories:read', async () => {
    const user = await node.newUser();
    await exported(user);
    const { body } = await user.api.post('/user/keys', { name: 'accountant', scopes: ['account:read', 'keys:write'] });
    const accountant = new Client(node.url, body.api_key);
    expectProblem(await accountant.post('/account/export', {}), 403, 'scope_required');
    expect((await accountant.get('/account/export')).status).toBe(200);
    expectProblem(await accountant.get('/account/export/file'), 403, 'scope_required');
    const stranger = await node.newUser();
    for (const path of ['/account/export', '/account/export/file']) {
      expectProblem(await stranger.api.get(path), 404, 'not_found');
      expectProblem(await new Client(node.url).get(path), 401, 'unauthenticated');
    }
  });

  it(`is deleted after ${EXPORT_DAYS} days, and fails when it is not written within a day`, async () => {
    const [kept, old, stuck] = await Promise.all([idle.newUser(), idle.newUser(), idle.newUser()]);
    const { owner } = idle.service.database;
    for (const user of [kept, old, stuck]) {
      const { id } = (await user.api.post('/account/export', {})).body;
      if (user !== stuck) await writeExport(idle.service.database, clock, user.userId, id);
    }
    const age = (user: TestUser, days: number) =>
      owner.query(
        'update exports set created_at = created_at - $2::interval, expires_at = expires_at - $2::interval where user_id = $1',
        [user.userId, `${days} days`],
      );
    await age(kept, EXPORT_DAYS - 0.1);
    await age(old, EXPORT_DAYS + 0.1);
    await age(stuck, 1.1);
    // An expired file is unavailable even before it is deleted.
    expectProblem(await old.api.get('/account/export/file'), 404, 'not_found');
    await idle.service.database.ownerWrite((sql) => deleteExpiredExports(sql, clock.now()));
    const left = await owner.query('select user_id from export_chunks where user_id = any ($1)', [
      [kept.userId, old.userId],
    ]);
    expect(new Set(left.rows.map(({ user_id }) => user_id))).toEqual(new Set([kept.userId]));
    expect((await download(idle, kept)).status).toBe(200);
    expectProblem(await old.api.get('/account/export'), 404, 'not_found');
    expect((await stuck.api.get('/account/export')).body.status).toBe('failed');
    expect((await stuck.api.post('/account/export', {})).body.status).toBe('pending');
  });

  it('is erased when a memory is deleted permanently, but not when one is archived', async () => {
    const user = await idle.newUser();
    const { owner } = idle.service.database;
    const chunks = async () =>
      (await owner.query('select 1 from export_chunks where user_id = $1', [user.userId])).rowCount;
    for (const remove of [
      (id: string) => user.api.delete(`/memories/${id}?permanent=true`),
      (id: string) => user.api.post('/memories/bulk', { filter: { ids: [id] }, action: 'delete', dry_run: false }),
    ]) {
      const [kept, gone] = [
        await user.api.post('/memories', { title: 'kept', content: 'c' }),
        await user.api.post('/memories', { title: 'gone', content: 'c' }),
      ];
      const { id } = (await user.api.post('/account/export', {})).body;
      await writeExport(idle.service.database, clock, user.userId, id);
      await user.api.delete(`/memories/${kept.body.id}`);
      await user.api.delete(`/memories/${MISSING}?permanent=true`);
      expect(await chunks()).toBe(1);
      expect((await remove(gone.body.id)).status).toBe(200);
      expect(await chunks()).toBe(0);
      expect((await user.api.get('/account/export')).body).toMatchObject({
        id,
        status: 'erased',
        bytes: null,
        file: null,
      });
      expectProblem(await user.api.get('/account/export/file'), 404, 'not_found');
      const again = (await user.api.post('/account/export', {})).body;
      expect(again.status).toBe('pending');
      await writeExport(idle.service.database, clock, user.userId, again.id);
      const titles = ofKind(await linesOf(idle, user), 'memory').map(({ title }) => title);
      expect(titles).not.toContain('gone');
      await user.api.delete(`/memories/${kept.body.id}?permanent=true`);
    }
  });

  it('is written again when a memory is deleted permanently while it is pending', async () => {
    const user = await idle.newUser();
    const { database } = idle.service;
    const made = await user.api.post('/memories', { title: 'gone', content: 'c' });
    const { id } = (await user.api.post('/account/export', {})).body;
    // The snapshot is taken before the deletion, and its chunks are written after it.
    const snapshot = database.snapshot;
    const taken = vi.spyOn(database, 'snapshot').mockImplementationOnce((userId, work) =>
      snapshot(userId, async (sql) => {
        await sql.query({ text: 'select from memories where user_id = $1', values: [userId] });
        await user.api.delete(`/memories/${made.body.id}?permanent=true`);
        return work(sql);
      }),
    );
    await expect(writeExport(database, clock, user.userId, id)).rejects.toThrow(/deleted permanently/);
    taken.mockRestore();
    const { rows } = await database.owner.query('select 1 from export_chunks where user_id = $1', [user.userId]);
    expect(rows).toEqual([]);
    expect((await user.api.get('/account/export')).body.status).toBe('pending');
    await writeExport(database, clock, user.userId, id);
    expect(ofKind(await linesOf(idle, user), 'memory')).toEqual([]);
  });

  it('is rewritten from the start after a failed attempt', async () => {
    const user = await idle.newUser();
    await user.api.post('/memories', { title: 'once', content: 'c' });
    const { id } = (await user.api.post('/account/export', {})).body;
    const { owner } = idle.service.database;
    await owner.query(
      "insert into export_chunks (user_id, export_id, chunk, bytes) values ($1, $2, 0, 'half'), ($1, $2, 1, 'more')",
      [user.userId, id],
    );
    await writeExport(idle.service.database, clock, user.userId, id);
    expect(ofKind(await linesOf(idle, user), 'memory')).toHaveLength(1);
    // A repeated job changes nothing once the export is ready.
    const before = (await user.api.get('/account/export')).body;
    await writeExport(idle.service.database, clock, user.userId, id);
    expect((await user.api.get('/account/export')).body).toEqual(before);
  });
});

describe('account export of a large account', () => {
  const MEMORIES = 20_000;
  const KILOBYTES = 10;

  it(`contains ${MEMORIES} memories once each, from one snapshot, in bounded memory during writes`, async () => {
    const user = await idle.newUser();
    const other = await idle.newUser();
    const { owner } = idle.service.database;
    const fill = (userId: string, from: number, to: number) =>
      owner.query(
        `insert into memories (user_id, id, type, status, title, content, content_hash, size_bytes, created_at, updated_at)
          select $1, gen_random_uuid(), 'long_term', 'active', n::text, repeat(md5(n::text), ${KILOBYTES * 32}),
            sha256(n::text::bytea), ${KILOBYTES * 1_024}, now(), now() from generate_series($2::int, $3::int) n`,
        [userId, from, to],
      );
    await fill(user.userId, 1, MEMORIES);
    await fill(other.userId, 1, 100);
    const { id } = (await user.api.post('/account/export', {})).body;

    // The account has 200 MB of text, more than the heap of this worker.
    const worker = spawnScript('api/jobs/main.ts', [], {
      DATABASE_URL: idle.databaseUrl,
      DATA_DIR: idle.dataDir,
      NODE_OPTIONS: '--max-old-space-size=96',
      LOG_LEVEL: 'error',
    });
    const chunks = async () =>
      (await owner.query('select count(*)::int as count from export_chunks where user_id = $1', [user.userId])).rows[0]
        .count;
    await vi.waitUntil(async () => (await chunks()) > 0, { timeout: 60_000, interval: 10 });
    expect((await user.api.get('/account/export')).body.status).toBe('pending');
    // These writes come after the snapshot.
    await fill(user.userId, MEMORIES + 1, MEMORIES + 500);
    await owner.query("update memories set content = 'too late' where user_id = $1 and title in ('1', '20000')", [
      user.userId,
    ]);
    await owner.query("delete from memories where user_id = $1 and title in ('2', '19999')", [user.userId]);
    await vi.waitUntil(async () => (await user.api.get('/account/export')).body.status === 'ready', {
      timeout: 90_000,
    });
    const peak = Number(/VmHWM:\s+(\d+) kB/.exec(await readFile(`/proc/${worker.child.pid}/status`, 'utf8'))?.[1]);
    worker.child.kill('SIGTERM');
    expect((await worker.finished).stderr).toBe('');

    const response = await download(idle, user);
    const text = Readable.fromWeb(response.body as never).pipe(createGunzip());
    const titles: string[] = [];
    let contents = 0;
    for await (const line of createInterface({ input: text })) {
      const row = JSON.parse(line);
      if (row.kind !== 'memory') continue;
      titles.push(row.title);
      contents += row.content.length;
    }
    expect(titles.map(Number).toSorted((a, b) => a - b)).toEqual(Array.from({ length: MEMORIES }, (_, n) => n + 1));
    expect(contents).toBe(MEMORIES * KILOBYTES * 1_024);
    const { body } = await user.api.get('/account/export');
    expect([body.id, body.counts.memory]).toEqual([id, MEMORIES]);
    expect(await chunks()).toBeGreaterThan(1);
    expect(peak).toBeLessThan(400_000);
    console.log(`export of ${MEMORIES} memories, ${contents >> 20} MB: ${body.bytes >> 10} KB, peak ${peak >> 10} MB`);
  });

  it('is streamed in chunks, and stops reading them when the client disconnects', async () => {
    const user = await idle.newUser();
    const { owner } = idle.service.database;
    const id = randomUUID();
    await owner.query(
      "insert into exports (user_id, id, status, created_at, ready_at, expires_at, bytes, chunks) values ($1, $2, 'ready', now(), now(), now() + interval '1 day', 64000000, 64)",
      [user.userId, id],
    );
    await owner.query(
      `insert into export_chunks (user_id, export_id, chunk, bytes)
        select $1, $2, n, convert_to(repeat('x', 1000000), 'UTF8') from generate_series(0, 63) n`,
      [user.userId, id],
    );
    const { database } = idle.service;
    const shared = database.shared;
    const statements: (string | undefined)[] = [];
    const reads = vi.spyOn(database, 'shared').mockImplementation((userId) => {
      const sql = shared(userId);
      return {
        query: (statement) => {
          statements.push(statement.name);
          return sql.query(statement);
        },
      };
    });
    const response = await download(idle, user);
    const reader = (response.body as ReadableStream<Uint8Array>).getReader();
    await reader.read();
    await reader.cancel();
    const chunkReads = () => statements.filter((name) => name === 'find_export_chunk').length;
    await vi.waitFor(async () => {
      const before = chunkReads();
      await new Promise((resolve) => setTimeout(resolve, 200));
      expect(chunkReads()).toBe(before);
    });
    expect(chunkReads()).toBeLessThan(64);
    reads.mockRestore();
    expect((await (await download(idle, user)).arrayBuffer()).byteLength).toBe(64_000_000);
  });
});
