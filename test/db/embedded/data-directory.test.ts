import { lstat, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it, vi } from 'vitest';
import { copyPackage, findPackage, prepare } from '../../../db/embedded/binaries.ts';
import { findEmbedded, startEmbedded } from '../../../db/embedded/start.ts';
import {
  copyWithoutLinks,
  modeOf,
  names,
  postmasterPid,
  query,
  useEmbeddedDatabases,
} from '../../support/embedded-fixture.ts';

const embedded = useEmbeddedDatabases();

describe('embedded database › data directory', () => {
  it('is initialized by the first start and reused with its data by the next', async () => {
    const dataDir = embedded.newDataDir();
    const first = await embedded.start(dataDir);
    expect(first.origin).toBe('initialized');
    await query(first.url, `create table kept as select 'привет' as word`);
    await first.stop();
    await first.stop();
    await expect(query(first.url, 'select 1')).rejects.toThrow(/ECONNREFUSED|ENOENT/);
    const second = await embedded.start(dataDir);
    expect(second.origin).toBe('started');
    expect(await query(second.url, 'select word from kept')).toEqual([{ word: 'привет' }]);
  });

  it('keeps secrets readable by their owner only, and the cluster by the user of the server only', async () => {
    const dataDir = embedded.newDataDir();
    const { directory } = await embedded.start(dataDir);
    expect(await modeOf(dataDir)).toBe('711');
    expect(await modeOf(directory)).toBe('700');
    expect(await modeOf(join(dataDir, 'database', 'connection.json'))).toBe('600');
    expect(await modeOf(join(dataDir, 'database', 'server.log'))).toBe('600');
    const server = await lstat(`/proc/${await postmasterPid(directory)}`).catch(() => undefined);
    if (server) expect((await stat(directory)).uid).toBe(server.uid);
  });

  it('is created again when the first start was killed halfway', async () => {
    const dataDir = embedded.newDataDir();
    for (const pauseMs of [0, 150, 300]) {
      const child = embedded.spawnChild(dataDir);
      await vi.waitUntil(
        () => names(join(dataDir, 'database')).then((all) => all.some((name) => name.endsWith('.draft'))),
        {
          timeout: 20_000,
          interval: 5,
        },
      );
      await delay(pauseMs);
      await child.kill();
      expect(await names(join(dataDir, 'database'))).not.toContain('cluster');
    }
    const database = await embedded.start(dataDir);
    expect(database.origin).toBe('initialized');
    expect(await query(database.url, 'select 1 as one')).toEqual([{ one: 1 }]);
    await database.stop();
    await (await embedded.start(dataDir)).stop();
    expect(await names(join(dataDir, 'database'))).toEqual(['cluster', 'connection.json', 'pg_hba.conf', 'server.log']);
  });

  it('with data but without its password file is rejected, not overwritten', async () => {
    const dataDir = embedded.newDataDir();
    const file = join(dataDir, 'database', 'connection.json');
    await (await embedded.start(dataDir)).stop();
    const text = await readFile(file);
    await rm(file);
    await expect(startEmbedded({ dataDir, log: () => {} })).rejects.toThrow('Restore that file');
    await writeFile(file, text);
    expect((await embedded.start(dataDir)).origin).toBe('started');
  });

  it('shares no table and no password with another one', async () => {
    const [one, two] = await Promise.all([
      embedded.start(embedded.newDataDir()),
      embedded.start(embedded.newDataDir()),
    ]);
    await query(one.url, 'create table mine ()');
    await expect(query(two.url, 'select from mine')).rejects.toThrow('does not exist');
    const password = new URL(one.url).password;
    await expect(query(two.url.replace(new URL(two.url).password, password), 'select 1')).rejects.toThrow('password');
  });
});

describe('embedded database › findEmbedded', () => {
  it('returns the URL while a service in another process runs, and null before and after', async () => {
    const dataDir = embedded.newDataDir();
    expect(await findEmbedded(dataDir)).toBe(null);
    const child = embedded.spawnChild(dataDir);
    const { url } = await child.started();
    expect(await findEmbedded(dataDir)).toBe(url);
    await child.stop();
    expect(await findEmbedded(dataDir)).toBe(null);
  });
});

describe('embedded database › npm package', () => {
  it('gets the missing library links, also from concurrent calls', async () => {
    const copy = await copyWithoutLinks(join(embedded.root(), 'bare'));
    await Promise.all([prepare(copy), prepare(copy), prepare(copy)]);
    const lib = join(copy, 'native', 'lib');
    expect(await names(lib)).toEqual(await names(join(findPackage(), 'native', 'lib')));
    for (const name of await names(lib)) await stat(join(lib, name));
    await rm(copy, { recursive: true });
  });

  it('is copied completely by concurrent calls', async () => {
    const base = join(embedded.root(), 'copies');
    const copies = await Promise.all([copyPackage(findPackage(), base), copyPackage(findPackage(), base)]);
    expect(copies[0]).toEqual(copies[1]);
    expect(await names(base)).toHaveLength(1);
    await rm(base, { recursive: true });
  });
});
