import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { findEmbedded } from '../../../db/embedded/start.ts';
import { isRunning, postmasterPid, query, useEmbeddedDatabases } from '../../support/embedded-fixture.ts';

const embedded = useEmbeddedDatabases();

describe('embedded database › after the service was killed', () => {
  it('the next start adopts the server and can stop it', async () => {
    const dataDir = await embedded.preparedDataDir();
    const child = embedded.spawnChild(dataDir);
    const { url, directory } = await child.started();
    await query(url, 'create table kept as select 1 as one');
    const pid = await postmasterPid(directory);
    await child.kill();
    expect(await findEmbedded(dataDir)).toBe(null);
    const database = await embedded.start(dataDir);
    expect(database).toMatchObject({ origin: 'adopted', url });
    expect(await postmasterPid(directory)).toBe(pid);
    expect(await query(database.url, 'select one from kept')).toEqual([{ one: 1 }]);
    await database.stop();
    // The server of another process: the system may take a moment to remove one that has already ended.
    await expect.poll(() => isRunning(pid)).toBe(false);
    expect((await embedded.start(dataDir)).origin).toBe('started');
  });

  it('the next start replaces a server that hangs, and keeps all data', async () => {
    const dataDir = await embedded.preparedDataDir();
    const child = embedded.spawnChild(dataDir);
    const { url, directory } = await child.started();
    await query(url, 'create table kept as select 1 as one');
    await child.kill();
    const pid = await postmasterPid(directory);
    process.kill(pid, 'SIGSTOP');
    const messages: string[] = [];
    const database = await embedded.start(dataDir, messages);
    expect(database.origin).toBe('started');
    expect(messages).toEqual([expect.stringContaining(`pid ${pid}`)]);
    await expect.poll(() => isRunning(pid)).toBe(false);
    expect(await query(database.url, 'select one from kept')).toEqual([{ one: 1 }]);
  });

  it('the next start has all committed data, if the server was killed as well', async () => {
    const dataDir = await embedded.preparedDataDir();
    const child = embedded.spawnChild(dataDir);
    const { url, directory } = await child.started();
    await query(url, 'create table kept as select 1 as one');
    process.kill(await postmasterPid(directory), 'SIGKILL');
    await child.kill();
    const database = await embedded.start(dataDir);
    expect(database.origin).toBe('started');
    expect(await query(database.url, 'select one from kept')).toEqual([{ one: 1 }]);
  });

  it.each([
    ['that does not exist', async () => 4_000_000],
    ['of another program', async () => process.pid],
    [
      'of the server of another data directory',
      async () => postmasterPid((await embedded.start(await embedded.preparedDataDir())).directory),
    ],
  ])('the next start ignores a stale pid file with a pid %s', async (_, choosePid) => {
    const dataDir = await embedded.preparedDataDir();
    const { directory, stop } = await embedded.start(dataDir);
    const file = join(directory, 'postmaster.pid');
    const lines = (await readFile(file, 'utf8')).split('\n');
    await stop();
    const pid = await choosePid();
    await writeFile(file, [pid, ...lines.slice(1)].join('\n'));
    expect((await embedded.start(dataDir)).origin).toBe('started');
    if (pid !== 4_000_000) expect(await isRunning(pid)).toBe(true);
  });
});
