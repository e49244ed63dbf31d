import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { v7 as uuidv7 } from 'uuid';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { purgeAccount } from '../../../api/accounts/purge.ts';
import { type Backups, openBackups, openStore } from '../../../api/backup/backups.ts';
import { createKeyPair } from '../../../api/backup/encryption.ts';
import { readStoredReceipts } from '../../../api/backup/receipts-file.ts';
import { type RestoredArchive, restoreArchive } from '../../../api/backup/restore-archive.ts';
import { openFolderStore } from '../../../api/backup/stores/folder-store.ts';
import type { BackupStore } from '../../../api/backup/stores/store.ts';
import { withScratchDatabase } from '../../../db/backup/scratch-database.ts';
import { connect } from '../../../db/client/database.ts';
import { describeSchema } from '../../../db/schema/introspect.ts';
import { dropDatabase, emptyDatabase, freshDatabase } from '../../support/database.ts';
import { runScript, spawnScript } from '../../support/run-script.ts';
import { S3_CREDENTIALS, type S3Server, startS3 } from '../../support/s3.ts';
import { startTestService, type TestService, type TestUser } from '../../support/service.ts';

vi.setConfig({ testTimeout: 60_000 });

const DAY_MS = 86_400_000;
const NO_BUCKET = { endpoint: 'http://127.0.0.1:9', ...S3_CREDENTIALS };

let node: TestService;
let users: TestUser[];
let folder: string;
let s3: S3Server;
const databases: string[] = [];

beforeAll(async () => {
  [node, s3, folder] = await Promise.all([
    startTestService(),
    startS3(),
    mkdtemp(join(tmpdir(), 'whitemagic-backups-')),
  ]);
  users = await Promise.all([1, 2, 3].map(() => node.newUser()));
  for (const { api } of users) {
    // Tabs, line breaks and backslashes are what COPY escapes.
    await api.post('/memories', { title: 'Escapes', content: 'a\tb\nc\\d \\. ünïcödé\r\n', metadata: { 'k\\': '\t' } });
    await api.post('/memories', { title: 'Long', content: 'word '.repeat(20_000), tags: ['x'] });
  }
});
afterAll(async () => {
  await node.stop();
  await s3.stop();
  await Promise.all(databases.map(dropDatabase));
  await rm(folder, { recursive: true, force: true });
});

function backupsTo(to: string, more: { recipient?: string; now?: () => Date; endpoint?: string } = {}): Backups {
  const { recipient, now = () => new Date(), endpoint } = more;
  const bucket = { ...NO_BUCKET, ...(endpoint && { endpoint }) };
  const config = { to, recipient, keepDays: 30, bucket };
  const { database } = node.service;
  return openBackups(config, { database, ownerUrl: node.databaseUrl, now, newId: () => uuidv7() }) as Backups;
}

async function newTarget(make: () => Promise<string> = emptyDatabase): Promise<string> {
  const url = await make();
  databases.push(url);
  return url;
}

async function restore(store: BackupStore, name: string, url: string, identity?: string): Promise<RestoredArchive> {
  const receipts = await readStoredReceipts(store, identity);
  return restoreArchive({ url, store, name, identity, receipts, now: () => new Date() });
}

async function query<Row extends pg.QueryResultRow>(url: string, text: string): Promise<Row[]> {
  const client = new pg.Client(url);
  await client.connect();
  try {
    return (await client.query<Row>(text)).rows;
  } finally {
    await client.end();
  }
}

/** Accounts whose storage count is not that of their memories: none in a consistent database. */
const INCONSISTENT = `select q.user_id
  from quotas q
  where q.memories <> (select count(*) from memories m where m.user_id = q.user_id)`;

describe('backup', () => {
  it('taken under load is one moment of the database, and a service runs on its restored copy', async () => {
    const { recipient, identity } = await createKeyPair();
    const backups = backupsTo(join(folder, 'load'), { recipient });
    let isWriting = true;
    let written = 0;
    const writers = users.map(async ({ api }) => {
      while (isWriting) {
        const { status } = await api.post('/memories', { title: `Under load ${++written}`, content: uuidv7() });
        expect(status).toBe(201);
      }
    });
    await vi.waitUntil(() => written > 10);
    const made = await backups.backUp();
    isWriting = false;
    await Promise.all(writers);
    expect(made.name).toMatch(/^whitemagic-\d{8}T\d{6}Z\.tar\.gz\.age$/);
    const bytes = await readFile(join(folder, 'load', made.name));
    expect([bytes.length, bytes.includes('Under load')]).toEqual([made.bytes, false]);

    // An account that is deleted after the backup stays deleted.
    const [kept, gone] = users as [TestUser, TestUser];
    await gone.api.delete(`/account?confirm=${gone.userId}&immediate=true`);
    const clock = { now: () => new Date(), newId: () => uuidv7() };
    expect(await purgeAccount(node.service.database, clock, async () => true, gone.userId)).toBe('purged');
    expect(await backups.backUpIfDue()).toBeUndefined();

    const url = await newTarget();
    await expect(restore(backups.store, made.name, url, (await createKeyPair()).identity)).rejects.toThrow();
    const restored = await restore(backups.store, made.name, url, identity);
    expect(restored.deletedAgain).toEqual([gone.userId]);
    expect(restored.tables['public.memories']?.rows).toBeGreaterThan(16);
    expect(await query(url, INCONSISTENT)).toEqual([]);
    const owned = (text: string) => query(node.databaseUrl, text).then(([row]) => row);
    const schemas = await Promise.all(
      [node.databaseUrl, url].map(async (at) => {
        const database = connect({ url: at, onError: () => undefined });
        return describeSchema(database.owner).finally(() => database.close());
      }),
    );
    expect(schemas[1]).toBe(schemas[0]);
    expect(await owned("select count(*)::int as count from backups where kind = 'backup'")).toEqual({ count: 1 });

    const copy = await startTestService({ databaseUrl: url });
    const list = await fetch(`${copy.url}/api/v1/memories?tags=x`, {
      headers: { Authorization: `Bearer ${kept.apiKey}` },
    });
    expect(await list.json()).toMatchObject({ results: [{ title: 'Long' }] });
    const rejected = await fetch(`${copy.url}/api/v1/memories`, {
      headers: { Authorization: `Bearer ${gone.apiKey}` },
    });
    expect(rejected.status).toBe(401);
    await copy.stop();
    // Users are there now, so nothing is restored over them.
    await expect(restore(backups.store, made.name, url, identity)).rejects.toThrow(/not empty \(accounts: 2\)/);
  });

  it('to a bucket retries, leaves nothing of a failed upload, and can be restored', async () => {
    const backups = backupsTo('s3://backups/service/one', { endpoint: s3.url });
    s3.failNext(1);
    const made = await backups.backUp();
    expect([...s3.objects.keys()].sort()).toEqual(
      [`service/one/${made.name}`, 'service/one/deletion-receipts.json'].sort(),
    );
    expect([s3.unfinished(), s3.objects.get(`service/one/${made.name}`)?.length]).toEqual([0, made.bytes]);
    expect((await restore(backups.store, made.name, await newTarget())).rowCount).toBe(made.manifest.row_count);
    const wrong = { ...NO_BUCKET, endpoint: s3.url, secretAccessKey: 'another' };
    await expect(openStore({ to: 's3://backups/x', bucket: wrong })?.list()).rejects.toThrow(/SignatureDoesNotMatch/);
  });

  it('keeps the archives of 30 days and the newest one, and no other file of the folder is touched', async () => {
    const to = join(folder, 'retention');
    const at = Date.now();
    for (const daysAgo of [40, 31, 29]) {
      await backupsTo(to, { now: () => new Date(at - daysAgo * DAY_MS) }).backUp();
    }
    await writeFile(join(to, 'notes.txt'), 'mine');
    const { name, deleted } = await backupsTo(to).backUp();
    expect(deleted).toHaveLength(2);
    const left = (await readdir(to)).filter((file) => file.startsWith('whitemagic-'));
    expect([left.length, left.includes(name), await readFile(join(to, 'notes.txt'), 'utf8')]).toEqual([
      2,
      true,
      'mine',
    ]);
    await query(node.databaseUrl, `update backups set finished_at = now() - interval '23 hours 1 minute'`);
    expect(await backupsTo(to).backUpIfDue()).toBeDefined();
  });

  it('that is damaged or cut off restores nothing', async () => {
    const to = join(folder, 'damaged');
    const { name } = await backupsTo(to).backUp();
    const whole = await readFile(join(to, name));
    const url = await newTarget();
    const middle = Math.floor(whole.length / 2);
    const flipped = Buffer.from(whole);
    flipped[middle] = (whole[middle] as number) ^ 1;
    for (const bytes of [whole.subarray(0, middle), whole.subarray(0, whole.length - 20), flipped]) {
      await writeFile(join(to, name), bytes);
      await expect(restore(openFolderStore(to), name, url)).rejects.toThrow(/damaged|incomplete|differs|invalid/);
      expect(await query(url, 'select from users')).toEqual([]);
    }
    await writeFile(join(to, name), whole);
    await restore(openFolderStore(to), name, url);
  });
});

describe('backup and restore commands', () => {
  it('leave nothing half done when they are killed in the middle, and succeed the next time', async () => {
    const to = join(folder, 'killed');
    const settings = { DATABASE_URL: node.databaseUrl, BACKUP_TO: to };
    const blocker = new pg.Client(node.databaseUrl);
    await blocker.connect();
    await blocker.query('begin');
    await blocker.query('lock table memory_versions in access exclusive mode');
    await killWhenWaiting(node.databaseUrl, 'scripts/backup.ts', [], settings);
    await blocker.end();
    expect(await readdir(to)).toEqual([expect.stringMatching(/\.partial$/)]);
    const backup = await runScript('scripts/backup.ts', [], settings);
    expect([backup.code, backup.stderr]).toEqual([0, '']);
    expect(await readdir(to)).toEqual(['deletion-receipts.json', expect.stringMatching(/Z\.tar\.gz$/)]);

    const target = await newTarget(freshDatabase);
    const holder = new pg.Client(target);
    await holder.connect();
    await holder.query('select pg_advisory_lock(42)');
    await holder.query(
      'create function wait() returns trigger language plpgsql as $$begin perform pg_advisory_xact_lock(42); return new; end$$',
    );
    await holder.query('create trigger wait before insert on memories for each row execute function wait()');
    await killWhenWaiting(target, 'scripts/restore.ts', ['--into', target], settings);
    await holder.query('select pg_advisory_unlock(42)');
    await holder.query('drop function wait cascade');
    await holder.end();
    expect(await query(target, 'select from users union all select from api_keys')).toEqual([]);
    const restored = await runScript('scripts/restore.ts', ['--into', target], settings);
    expect([restored.code, restored.stderr]).toEqual([0, '']);
    expect(restored.stdout).toMatch(/^Restored \d+ tables with \d+ rows, as of .*\nEvery count and checksum/m);
    expect(await query(target, INCONSISTENT)).toEqual([]);

    const tested = await runScript('scripts/restore.ts', ['--test'], settings);
    expect([tested.code, tested.stdout]).toEqual([0, expect.stringContaining('The backup can be restored.')]);
    const tests = "select count(*)::int as count from backups where kind = 'restore_test'";
    expect(await query(node.databaseUrl, tests)).toEqual([{ count: 1 }]);
    const left = "select datname from pg_database where datname like 'whitemagic_restore_test%'";
    expect(await query(node.databaseUrl, left)).toEqual([]);
    const missing = await runScript('scripts/restore.ts', ['no-such.tar.gz'], settings);
    expect([missing.code, missing.stderr]).toEqual([1, expect.stringContaining('There is no archive no-such.tar.gz')]);
  });

  it('drop the database of a restore test that fails', async () => {
    const seen: string[] = [];
    const work = async (url: string) => {
      seen.push(url);
      throw new Error('damaged');
    };
    await expect(withScratchDatabase(node.databaseUrl, work)).rejects.toThrow('damaged');
    await expect(query(seen[0] as string, 'select 1')).rejects.toThrow(/does not exist/);
  });
});

/** Starts a command, waits until its copying waits for a lock in the database, and kills it. */
async function killWhenWaiting(url: string, path: string, args: string[], settings: Record<string, string>) {
  const { child, finished, output } = spawnScript(path, args, settings);
  const waiting = `select from pg_stat_activity
    where application_name = 'whitemagic-backup' and wait_event_type = 'Lock' and datname = current_database()`;
  await vi.waitUntil(
    async () => {
      if (child.exitCode !== null) throw new Error(`it exited: ${output()}`);
      return (await query(url, waiting)).length > 0;
    },
    { timeout: 30_000, interval: 50 },
  );
  child.kill('SIGKILL');
  expect((await finished).signal).toBe('SIGKILL');
}
