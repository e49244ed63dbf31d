import { chown, mkdir, readFile, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { findEmbedded, startEmbedded } from '../../../db/embedded/start.ts';
import { modeOf, names, postmasterPid, query, useEmbeddedDatabases } from '../../support/embedded-fixture.ts';

const isRoot = process.getuid?.() === 0;
/** An ordinary user to run children as. */
const OTHER_USER = { uid: 65534, gid: 65534 };

const embedded = useEmbeddedDatabases();

// Only root can change its user; when an ordinary user runs the tests, all others cover ordinary users.
if (isRoot) {
  describe('embedded database › as root', () => {
    it('runs for an ordinary user, from a checkout of another user', async () => {
      const dataDir = embedded.newDataDir();
      await mkdir(dataDir);
      await chown(dataDir, OTHER_USER.uid, OTHER_USER.gid);
      const child = embedded.spawnChild(dataDir, OTHER_USER);
      const { url, directory, origin } = await child.started();
      expect(origin).toBe('initialized');
      expect(await query(url, 'select 1 as one')).toEqual([{ one: 1 }]);
      expect((await stat(directory)).uid).toBe(OTHER_USER.uid);
      await child.kill();
      expect((await embedded.spawnChild(dataDir, OTHER_USER).started()).origin).toBe('adopted');
    });

    it('runs as the user that owns the files, when root takes over from that user', async () => {
      const dataDir = embedded.newDataDir();
      await mkdir(dataDir);
      await chown(dataDir, OTHER_USER.uid, OTHER_USER.gid);
      const child = embedded.spawnChild(dataDir, OTHER_USER);
      await child.started();
      await child.stop();
      const { origin, directory } = await embedded.start(dataDir);
      expect(origin).toBe('started');
      expect((await stat(`/proc/${await postmasterPid(directory)}`)).uid).toBe(OTHER_USER.uid);
    });

    it('copies the programs for an ordinary user whose checkout lacks links and is read-only', async () => {
      const elsewhere = await embedded.copyCheckout(0o755);
      const dataDir = embedded.newDataDir();
      await mkdir(dataDir);
      await chown(dataDir, OTHER_USER.uid, OTHER_USER.gid);
      const child = embedded.spawnChild(dataDir, { ...OTHER_USER, module: elsewhere.module });
      expect((await child.started()).origin).toBe('initialized');
      expect(await names(join(dataDir, 'database'))).toContainEqual(expect.stringMatching(/^postgresql-18/));
      await child.stop();
    });

    it('uses a system folder for data and programs when its folders are closed to the database user, and logs it', async () => {
      const elsewhere = await embedded.copyCheckout(0o700);
      const dataDir = join(elsewhere.folder, 'data');
      embedded.newDataDir(dataDir);
      const child = embedded.spawnChild(dataDir, { module: elsewhere.module });
      const { origin, directory, logged, url } = await child.started();
      expect(origin).toBe('initialized');
      expect(await query(url, 'select 1 as one')).toEqual([{ one: 1 }]);
      expect(directory.startsWith(elsewhere.folder)).toBe(false);
      const home = dirname(directory);
      expect(await readFile(join(dataDir, 'database-location'), 'utf8')).toBe(`${home}\n`);
      expect(logged).toEqual([expect.stringContaining(home), expect.stringContaining('its programs are in')]);
      expect(await modeOf(join(home, 'connection.json'))).toBe('600');
      expect(await findEmbedded(dataDir)).toBe(url);
      await child.kill();
      const next = embedded.spawnChild(dataDir, { module: elsewhere.module });
      expect(await next.started()).toMatchObject({ origin: 'adopted', directory, url });
      await next.stop();
      await rm(home, { recursive: true });
      await expect(startEmbedded({ dataDir, log: () => {} })).rejects.toThrow('that folder is gone');
      await rm(join(dataDir, 'database-location'));
      embedded.forget(dataDir);
    });
  });
}
