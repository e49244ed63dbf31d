import { createReadStream } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeExport } from '../../../api/transfer/export.ts';
import { ImportFailure } from '../../../api/transfer/import/failure.ts';
import { openFile } from '../../../api/transfer/import/read-file.ts';
import { deleteExpiredImports } from '../../../api/transfer/import/run-import.ts';
import { storeBatch } from '../../../api/transfer/import/store.ts';
import { Client, type Json } from '../../support/client.ts';
import { finishImport, importClock, importFile, memoriesOf, uploadFile } from '../../support/imports.ts';
import { expectProblem } from '../../support/openapi.ts';
import { startTestService, type TestService, type TestUser } from '../../support/service.ts';

let node: TestService;
beforeAll(async () => {
  node = await startTestService();
});
afterAll(() => node.stop());

const lines = (...records: unknown[]) => records.map((record) => `${JSON.stringify(record)}\n`).join('');
const notes = (count: number, text = 'note') =>
  lines(...Array.from({ length: count }, (_, n) => ({ text: `${text} ${n}` })));

async function exportOf(user: TestUser): Promise<Buffer> {
  const { id } = (await user.api.post('/account/export', {})).body;
  await writeExport(node.service.database, importClock, user.userId, id);
  const response = await fetch(`${node.url}/api/v1/account/export/file`, {
    headers: { Authorization: `Bearer ${user.apiKey}` },
  });
  return Buffer.from(await response.arrayBuffer());
}

async function versionsOf(user: TestUser): Promise<Json> {
  const all: Json = {};
  for (const { id } of (await memoriesOf(user)).values()) {
    all[id] = (await user.api.get(`/memories/${id}/versions`)).body.results;
  }
  return all;
}

const stored = async (user: TestUser) => [...(await memoriesOf(user)).values()];

describe('import of an account export', () => {
  async function filledUser(): Promise<TestUser> {
    const user = await node.newUser();
    const { body: first } = await user.api.post('/memories', {
      title: 'Deploys',
      content: 'We deploy on Fridays.',
      tags: ['ops'],
      metadata: { importance: 0.8, nested: { list: [1, null] } },
      occurred_at: '2026-11-02T09:45:30.123+05:30',
      project: 'shop',
    });
    await user.api.patch(`/memories/${first.id}`, { content: 'We deploy on Thursdays.' });
    await user.api.patch(`/memories/${first.id}`, { tags: ['ops', 'deploy'] });
    await user.api.post('/memories', { title: 'Newer', content: 'We deploy daily.', supersedes: first.id });
    const { body: gone } = await user.api.post('/memories', { title: 'Old', content: 'archived', session_id: 's1' });
    await user.api.delete(`/memories/${gone.id}`);
    for (let day = 1; day <= 3; day++) {
      const note = {
        title: `Standup ${day}`,
        content: `We talked about release ${day} and its tests.`,
        tags: ['standup'],
      };
      await user.api.post('/memories', { ...note, occurred_at: `2026-01-0${day}T09:00:00Z` });
    }
    return user;
  }

  it('makes another account equal, former versions, dates and ids included', async () => {
    const [source, target] = [await filledUser(), await node.newUser()];
    const file = await exportOf(source);
    const id = await uploadFile(target, file, { name: 'export.ndjson.gz' });
    await target.api.post(`/import/${id}/run`, { dry_run: false });
    const state = await finishImport(target, id);
    expect(state).toMatchObject({
      status: 'completed',
      format: 'whitemagic',
      counts: { imported_memories: 6, imported_versions: 2, rejected: 0 },
      findings: [],
    });
    expect(await stored(target)).toEqual(await stored(source));
    expect(await versionsOf(target)).toEqual(await versionsOf(source));
    const usage = async (user: TestUser) => (await user.api.get('/stats')).body;
    const [one, other] = [await usage(source), await usage(target)];
    expect(other.memories).toEqual(one.memories);
    expect(other.storage).toEqual(one.storage);

    const again = await importFile(target, file);
    expect(again.counts).toMatchObject({ unchanged: 8, imported_memories: 0, imported_versions: 0, rejected: 0 });
    expect(await stored(target)).toEqual(await stored(source));
  });

  it('keeps digests, of which search finds the sources', async () => {
    const [source, target] = [await node.newUser(), await node.newUser()];
    const { database } = node.service;
    const digest = (await source.api.post('/memories', { title: 'Digest', content: 'About walnuts.' })).body.id;
    const leaf = (await source.api.post('/memories', { title: 'Source', content: 'Walnuts ripen in October.' })).body
      .id;
    await database.owner.query('update memories set is_digest = true where id = $1', [digest]);
    await database.owner.query("update memories set status = 'archived', consolidated_into = $2 where id = $1", [
      leaf,
      digest,
    ]);
    await importFile(target, await exportOf(source));
    const { rows } = await database.owner.query(
      'select id, is_digest, consolidated_into from memories where user_id = $1 order by is_digest',
      [target.userId],
    );
    expect(rows).toEqual([
      { id: leaf, is_digest: false, consolidated_into: digest },
      { id: digest, is_digest: true, consolidated_into: null },
    ]);
  });

  it('leaves a memory of the same id with other content as it is, and its versions', async () => {
    const [source, target] = [await filledUser(), await node.newUser()];
    const file = await exportOf(source);
    await importFile(target, file);
    const { id } = (await memoriesOf(target)).get('Deploys');
    await target.api.patch(`/memories/${id}`, { content: 'Edited here.' });
    const before = [await stored(target), await versionsOf(target)];
    const state = await importFile(target, file);
    expect(state.counts).toMatchObject({ rejected: 3, imported_memories: 0 });
    expect(state.findings[0]).toMatchObject({
      what: 'Deploys',
      code: 'id_exists',
      why: 'you have a memory of this id with other content, which stays as it is',
    });
    expect([await stored(target), await versionsOf(target)]).toEqual(before);
  });

  it('merges exact duplicates with other ids, and rejects foreign ids of another account', async () => {
    const [source, target] = [await node.newUser(), await node.newUser()];
    await source.api.post('/memories', { title: 'Same', content: 'text', tags: ['theirs'] });
    const { id } = (await target.api.post('/memories', { title: 'Same', content: 'text', tags: ['mine'] })).body;
    const state = await importFile(target, await exportOf(source));
    expect(state.counts).toMatchObject({ unchanged: 1, imported_memories: 0 });
    expect(await stored(target)).toEqual([expect.objectContaining({ id, tags: ['mine', 'theirs'] })]);
  });

  it('drops a link that would form a cycle, and rejects unknown kinds, dates and statuses', async () => {
    const user = await node.newUser();
    const [one, two] = ['019ad3b2-7c1e-7f60-9a52-3f0c5d8e2b41', '019ad3b2-7c1e-7f60-9a52-3f0c5d8e2b42'];
    const at = '2026-01-01T00:00:00.000Z';
    const row = { kind: 'memory', type: 'long_term', status: 'active', version: 1, created_at: at, updated_at: at };
    const file = lines(
      { kind: 'manifest', format: 'whitemagic-export', version: 1 },
      { ...row, id: one, title: 'A', content: 'a', supersedes: two },
      { ...row, id: two, title: 'B', content: 'b', supersedes: one },
      { ...row, id: '019ad3b2-7c1e-7f60-9a52-3f0c5d8e2b43', title: 'C', content: 'c', created_at: 'soon' },
      { ...row, id: '019ad3b2-7c1e-7f60-9a52-3f0c5d8e2b44', title: 'D', content: 'd', type: 'eternal' },
      { kind: 'poem' },
      { kind: 'api_key', id: one },
      { kind: 'memory_version', memory_id: '019ad3b2-7c1e-7f60-9a52-3f0c5d8e2b49', version: 1 },
    );
    const state = await importFile(user, file);
    expect(state.counts).toMatchObject({ imported_memories: 2, rejected: 4, ignored: 2 });
    expect(state.findings.map(({ line, code }: Json) => [line, code])).toEqual([
      [4, 'rejected'],
      [5, 'rejected'],
      [6, 'rejected'],
      [8, 'rejected'],
      [3, 'link_dropped'],
    ]);
    expect((await user.api.get(`/memories/${two}`)).body.supersedes).toBeNull();
  });
});

describe('import', () => {
  it('changes nothing in a dry run, and reports counts, findings and the cost', async () => {
    const user = await node.newUser({ requestsPerDay: 1_000 });
    await user.api.post('/memories', { title: 'note 1', content: 'note 1' });
    const before = await stored(user);
    const file = `${notes(30)}{"text": ""}\n${'\n'.repeat(20_000)}`;
    const { body: started } = await user.api.post('/import', { content: file, name: 'notes.jsonl' });
    expect(started).toMatchObject({ status: 'checking', dry_run: true, charged: 0, cost: 3 });
    const state = await finishImport(user, started.id);
    expect(state).toMatchObject({
      status: 'checked',
      format: 'jsonl',
      progress: 1,
      counts: { records: 31, memories: 30, rejected: 1, imported_memories: 0 },
    });
    expect(await stored(user)).toEqual(before);
    const { body: run } = await user.api.post(`/import/${started.id}/run`, { dry_run: false });
    expect(run).toMatchObject({ status: 'importing', charged: 3 });
    expect((await user.api.post(`/import/${started.id}/run`, { dry_run: false })).body.charged).toBe(0);
    expect(await finishImport(user, started.id)).toMatchObject({
      status: 'completed',
      counts: { imported_memories: 30 },
    });
    const { body: found } = await user.api.post('/search', { query: 'note 17' });
    expect(found.results[0].title).toBe('note 17');
  });

  it('costs a unit of the day for every 10,000 bytes, at most half of a day, and nothing from the dashboard', async () => {
    const user = await node.newUser({ requestsPerDay: 10 });
    const file = notes(4_000);
    const left = (headers: Headers) => Number(/"daily";r=(\d+)/.exec(headers.get('RateLimit') ?? '')?.[1]);
    const started = await user.api.post('/import', { content: file, dry_run: false });
    expect(started.body).toMatchObject({ cost: 5, charged: 5 });
    expect(left(started.headers)).toBe(4);
    const browser = await user.signIn();
    const clicked = await browser.post('/import', { content: notes(4_000, 'other'), dry_run: false });
    expect(clicked.body).toMatchObject({ charged: 0 });
    expectProblem(await user.api.post('/import', { content: file, dry_run: false }), 429, 'quota_exceeded');
    expect((await user.api.get('/import')).body.results).toHaveLength(2);
  });

  it('continues after its worker was killed between two batches, without doubles', async () => {
    const user = await node.newUser();
    const { database } = node.service;
    const { id } = (await user.api.post('/import', { content: notes(250), dry_run: false })).body;
    const dying: typeof database = {
      ...database,
      write: (userId, work, joined) =>
        database.write(
          userId,
          async (sql) => {
            const result = await work(sql);
            if (result === true) throw new Error('killed before the commit');
            return result;
          },
          joined,
        ),
    };
    const { checkImport } = await import('../../../api/transfer/import/check.ts');
    await checkImport(database, importClock, user.userId, id);
    expect(await storeBatch(database, importClock, user.userId, id)).toBe(true);
    await expect(storeBatch(dying, importClock, user.userId, id)).rejects.toThrow('killed');
    expect((await user.api.get(`/import/${id}`)).body).toMatchObject({ status: 'importing', progress: 0.4 });
    // A check that is killed starts again.
    const state = await finishImport(user, id);
    expect(state.counts).toMatchObject({ imported_memories: 250 });
    expect((await stored(user)).length).toBe(250);
  });

  it('stops before the record that the storage does not suffice for, and continues when there is more', async () => {
    const user = await node.newUser({ storageBytes: 2_000 });
    const file = lines(...Array.from({ length: 5 }, (_, n) => ({ title: `T${n}`, text: 'x'.repeat(700) })));
    const { id } = (await user.api.post('/import', { content: file, dry_run: true })).body;
    const checked = await finishImport(user, id);
    expect(checked).toMatchObject({ status: 'checked', counts: { memories: 2 } });
    expect(checked.findings).toEqual([expect.objectContaining({ line: 3, what: 'T2', code: 'storage_full' })]);
    await user.api.post(`/import/${id}/run`, { dry_run: false });
    const state = await finishImport(user, id);
    expect(state).toMatchObject({ status: 'stopped', counts: { imported_memories: 2 } });
    expect(state.reason).toContain('The storage of the plan does not suffice.');
    await node.service.database.owner.query(
      `update users set overrides = overrides || '{"storage_bytes": 100000}' where id = $1`,
      [user.userId],
    );
    expect((await user.api.post(`/import/${id}/run`, { dry_run: false })).body).toMatchObject({ charged: 0 });
    expect(await finishImport(user, id)).toMatchObject({
      status: 'completed',
      counts: { unchanged: 2, imported_memories: 3 },
    });
    expect((await stored(user)).length).toBe(5);
  });

  it('is uploaded in parts that may be repeated, and says what is missing', async () => {
    const user = await node.newUser();
    const { id } = (await user.api.post('/import', { name: 'notes.jsonl' })).body;
    const part = (n: number, text: string) =>
      user.api.put(`/import/${id}/chunks/${n}`, { data: Buffer.from(text).toString('base64') });
    expectProblem(await user.api.post(`/import/${id}/run`, {}), 409, 'import_state');
    expect((await part(0, 'wrong')).body).toMatchObject({ next_chunk: 1 });
    expect((await part(0, '{"text": "sp')).body).toMatchObject({ uploaded_bytes: 12, next_chunk: 1 });
    expect((await part(2, '"}\n')).body).toMatchObject({ next_chunk: 1 });
    expectProblem(await user.api.post(`/import/${id}/run`, {}), 409, 'import_state');
    await part(1, 'lit é');
    await user.api.post(`/import/${id}/run`, { dry_run: false });
    expectProblem(await part(3, 'late'), 409, 'import_state');
    expect(await finishImport(user, id)).toMatchObject({ status: 'completed' });
    expect((await memoriesOf(user)).has('split é')).toBe(true);
    const stranger = await node.newUser();
    for (const path of [`/import/${id}`, `/import/${id}/report`]) {
      expectProblem(await stranger.api.get(path), 404, 'not_found');
    }
    expectProblem(await stranger.api.delete(`/import/${id}`), 404, 'not_found');
    expectProblem(await stranger.api.put(`/import/${id}/chunks/0`, { data: 'AA==' }), 404, 'not_found');
  });

  it('bounds the uploads of an account by its storage', async () => {
    const user = await node.newUser({ storageBytes: 1_000 });
    expectProblem(await user.api.post('/import', { content: 'x'.repeat(2_001) }), 403, 'storage_full');
    expect((await user.api.post('/import', { content: 'x'.repeat(1_900) })).status).toBe(201);
    expectProblem(await user.api.post('/import', { content: 'x'.repeat(200) }), 403, 'storage_full');
  });

  it('reports every finding in pages', async () => {
    const user = await node.newUser();
    const file = `${'{"text": " "}\n'.repeat(120)}${notes(2)}`;
    const { id } = await importFile(user, file);
    const first = (await user.api.get(`/import/${id}/report`)).body;
    expect([first.total, first.results.length]).toEqual([120, 100]);
    const second = (await user.api.get(`/import/${id}/report?cursor=${first.next_cursor}`)).body;
    expect(second.results.map(({ line }: Json) => line)).toEqual(Array.from({ length: 20 }, (_, n) => 101 + n));
    expect(second.next_cursor).toBeNull();
  });

  it('is canceled by its deletion, and expires', async () => {
    const user = await node.newUser();
    const { id } = (await user.api.post('/import', { content: notes(3), dry_run: false })).body;
    expect((await user.api.delete(`/import/${id}`)).body).toEqual({ id, status: 'deleted' });
    expect(await storeBatch(node.service.database, importClock, user.userId, id)).toBe(false);
    expect((await stored(user)).length).toBe(0);
    const idle = (await user.api.post('/import', { name: 'idle' })).body.id;
    const done = (await importFile(user, notes(1))).id;
    const inDays = (days: number) =>
      node.service.database.ownerWrite((sql) => deleteExpiredImports(sql, new Date(Date.now() + days * 86_400_000)));
    const listed = async () => (await user.api.get('/import')).body.results.map(({ id }: Json) => id);
    await inDays(0.9);
    expect(await listed()).toEqual([done, idle]);
    await inDays(1.1);
    expect(await listed()).toEqual([done]);
    await inDays(7.1);
    expect(await listed()).toEqual([]);
  });

  it('gives a key that cannot read only a receipt', async () => {
    const user = await node.newUser();
    const { body } = await user.api.post('/user/keys', { name: 'writer', scopes: ['memories:write'] });
    const writer = new Client(node.url, body.api_key);
    const started = (await writer.post('/import', { content: notes(1), name: 'secret plan.md' })).body;
    expect(Object.keys(started).sort()).toEqual(['id', 'next_chunk', 'status']);
    expectProblem(await writer.get(`/import/${started.id}`), 403, 'scope_required');
  });

  it('fails for files that it cannot read, and says why', async () => {
    const user = await node.newUser();
    const reasons: [string | Buffer, RegExp][] = [
      ['  \n', /empty/],
      [Buffer.from('PK\x03\x04rest'), /ZIP archive/],
      [Buffer.from('\ufefftext', 'utf16le'), /UTF-16/],
      [gzipSync(notes(100)).subarray(0, 100), /damaged or incomplete/],
      [Buffer.from([0x89, 0x50, 0x4e, 0x47, 0, 1, 2, 0xff]), /no text file/],
      [lines({ kind: 'manifest', format: 'whitemagic-export', version: 2 }), /newer version/],
    ];
    for (const [file, reason] of reasons) {
      const state = await importFile(user, file);
      expect([state.status, state.reason]).toEqual(['failed', expect.stringMatching(reason)]);
    }
  });
});

describe('reading of hostile files', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'whitemagic-import-'));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  /** Counts the records and the errors of a file, and the most memory that reading it took. */
  async function read(source: AsyncIterable<Buffer>, bytes: number) {
    const before = process.memoryUsage().rss;
    let [records, errors, peak] = [0, 0, 0];
    const file = await openFile(source, { format: 'auto', name: 'file', bytes });
    for await (const record of file.records) {
      records++;
      if ('error' in record) errors++;
      peak = Math.max(peak, process.memoryUsage().rss - before);
    }
    return { records, errors, peak };
  }

  it('rejects a gzip file that inflates to a thousand times its size', async () => {
    const user = await node.newUser();
    const long = gzipSync(Buffer.alloc(67_108_864, 0x61));
    const bombs = Buffer.concat([gzipSync('{"text": "'), ...Array.from({ length: 16 }, () => long)]);
    expect(bombs.length).toBeGreaterThan(1_000_000);
    const id = await uploadFile(user, bombs);
    await user.api.post(`/import/${id}/run`, {});
    expect(await finishImport(user, id)).toMatchObject({
      status: 'failed',
      reason: 'This gzip file inflates to more than 100 times its size.',
    });
  });

  it('skips a line of 100 MB in bounded memory, and reads the next one', async () => {
    const path = join(folder, 'long.jsonl');
    const filler = Buffer.alloc(1_048_576, 0x61);
    await writeFile(path, '{"text": "');
    for (let part = 0; part < 100; part++) await writeFile(path, filler, { flag: 'a' });
    await writeFile(path, '"}\n{"text": "short"}\n', { flag: 'a' });
    const { records, errors, peak } = await read(createReadStream(path), 100_000_000);
    expect([records, errors]).toEqual([2, 1]);
    expect(peak).toBeLessThan(90_000_000);
  });

  it.each([
    [
      'a JSON document with a long element',
      () => Buffer.from(`[{"text":"${'a'.repeat(9_000_000)}"},{"text":"ok"}]`),
      [2, 1],
    ],
    ['a JSON document that ends early', () => Buffer.from('[{"text":"a"},{"text"'), [2, 1]],
    ['brackets without end', () => Buffer.from('['.repeat(2_000_000)), [1, 1]],
    ['nested brackets in one element', () => Buffer.from(`[${'['.repeat(100_000)}${']'.repeat(100_000)}]`), [1, 1]],
    ['a million blank lines', () => Buffer.from(`{"text":"a"}\n${'\n'.repeat(1_000_000)}{"text":"b"}`), [2, 0]],
  ])('reads %s', async (_name, make, counts) => {
    const bytes = make();
    const pieces = async function* () {
      for (let start = 0; start < bytes.length; start += 524_288) yield bytes.subarray(start, start + 524_288);
    };
    const { records, errors } = await read(pieces(), bytes.length);
    expect([records, errors]).toEqual(counts);
  });

  it('rejects a CSV file with too many columns', async () => {
    const pieces = async function* () {
      yield Buffer.from(`content${',c'.repeat(2_000)}\nx\n`);
    };
    await expect(read(pieces(), 5_000)).rejects.toThrow(ImportFailure);
  });
});

describe('import beside the calls of others', () => {
  it('lets other accounts and its own calls in between its batches', async () => {
    const [busy, other] = [await node.newUser(), await node.newUser()];
    const { id } = (await busy.api.post('/import', { content: notes(250), dry_run: false })).body;
    let isDone = false;
    const importing = finishImport(busy, id).finally(() => {
      isDone = true;
    });
    let calls = 0;
    while (!isDone) {
      const [one, mine] = await Promise.all([
        other.api.post('/memories', { title: `Beside ${calls}`, content: 'written meanwhile' }),
        busy.api.post('/memories', { title: `Mine ${calls}`, content: 'written meanwhile' }),
      ]);
      expect([one.status, mine.status]).toEqual([201, 201]);
      calls++;
    }
    expect((await importing).counts).toMatchObject({ imported_memories: 250 });
    expect(calls).toBeGreaterThan(2);
  });
});
