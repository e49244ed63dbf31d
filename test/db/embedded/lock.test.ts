import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { DataDirInUse, startEmbedded } from '../../../db/embedded/start.ts';
import { names, query, useEmbeddedDatabases } from '../../support/embedded-fixture.ts';

const embedded = useEmbeddedDatabases();

describe('embedded database › lock of the data directory', () => {
  it('rejects a second start while the first runs, with directory, process and remedy', async () => {
    const dataDir = await embedded.preparedDataDir();
    const child = embedded.spawnChild(dataDir);
    const { url } = await child.started();
    const begin = performance.now();
    const error = await startEmbedded({ dataDir, log: () => {} }).catch((thrown: unknown) => thrown);
    expect(performance.now() - begin).toBeLessThan(1_000);
    expect(error).toBeInstanceOf(DataDirInUse);
    expect(error).toMatchObject({ pid: child.pid });
    expect(String(error)).toBe(
      `DataDirInUse: ${dataDir} is in use by process ${child.pid}: a data directory serves one service at a time. Stop that process, or set DATA_DIR to another directory.`,
    );
    expect(await query(url, 'select 1 as one')).toEqual([{ one: 1 }]);
  });

  it('holds within one process too', async () => {
    const dataDir = await embedded.preparedDataDir();
    await embedded.start(dataDir);
    await expect(startEmbedded({ dataDir, log: () => {} })).rejects.toThrow(DataDirInUse);
  });

  it('lets exactly one of several concurrent starts succeed, on a new, a killed and a stopped directory', async () => {
    const dataDir = embedded.newDataDir();
    const rounds = [
      { origin: 'initialized', ending: 'kill' },
      { origin: 'adopted', ending: 'kill' },
      { origin: 'adopted', ending: 'stop' },
      { origin: 'started', ending: 'stop' },
    ] as const;
    for (const { origin, ending } of rounds) {
      const racers = Array.from({ length: 4 }, () => embedded.spawnChild(dataDir));
      const reports = await Promise.all(racers.map((racer) => racer.report()));
      const winner = reports.findIndex((report) => 'url' in report);
      expect(reports[winner]).toMatchObject({ origin });
      const rejected = reports.filter((_, index) => index !== winner);
      expect(rejected).toEqual(
        Array(3).fill(expect.objectContaining({ error: 'DataDirInUse', pid: racers[winner]?.pid })),
      );
      await racers[winner]?.[ending]();
    }
  });

  it('is not held by a process that got the pid of a dead owner', async () => {
    const dataDir = await embedded.preparedDataDir();
    await (await embedded.start(dataDir)).stop();
    const [file = ''] = (await names(dataDir)).filter((name) => name.startsWith('owner.lock.'));
    const owner = JSON.parse(await readFile(join(dataDir, file), 'utf8'));
    await writeFile(join(dataDir, file), JSON.stringify({ ...owner, released: undefined, started: '1' }));
    expect((await embedded.start(dataDir)).origin).toBe('started');
  });

  it('is held by an owner in another container while that one touches the lock file', async () => {
    const dataDir = await embedded.preparedDataDir();
    await (await embedded.start(dataDir)).stop();
    const [name = ''] = (await names(dataDir)).filter((found) => found.startsWith('owner.lock.'));
    const file = join(dataDir, name);
    const foreign = JSON.stringify({ pid: 7, started: '1', space: 'elsewhere' });
    await writeFile(file, foreign);
    const heartbeat = setInterval(() => void writeFile(file, foreign), 1_000);
    await expect(startEmbedded({ dataDir, log: () => {} })).rejects.toThrow('process 7');
    clearInterval(heartbeat);
    expect((await embedded.start(dataDir)).origin).toBe('started');
  });
});
