import { once } from 'node:events';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { urlOf } from '../../../db/embedded/cluster.ts';
import { freePort } from '../../../db/embedded/free-port.ts';
import { chooseLocation } from '../../../db/embedded/location.ts';
import { launch } from '../../../db/embedded/postmaster.ts';
import { cacheSizeMb } from '../../../db/embedded/server-process.ts';
import { stop } from '../../../db/embedded/shutdown.ts';
import { startEmbedded } from '../../../db/embedded/start.ts';
import { modeOf, postmasterPid, query, useEmbeddedDatabases } from '../../support/embedded-fixture.ts';

const embedded = useEmbeddedDatabases();

describe('embedded database › server', () => {
  it('has the documented role, encoding and settings', async () => {
    const { url } = await embedded.start(embedded.newDataDir());
    const [role] = await query(
      url,
      `select rolname, rolsuper, rolcreaterole, rolcreatedb, rolbypassrls,
         pg_get_userbyid(datdba) as owner, datlocprovider, datlocale
       from pg_roles, pg_database where rolname = current_user and datname = current_database()`,
    );
    expect(role).toEqual({
      rolname: 'whitemagic',
      rolsuper: false,
      rolcreaterole: true,
      rolcreatedb: true,
      rolbypassrls: false,
      owner: 'whitemagic',
      datlocprovider: 'b',
      datlocale: 'C.UTF-8',
    });
    const expected = {
      server_encoding: 'UTF8',
      TimeZone: 'UTC',
      data_checksums: 'on',
      fsync: 'on',
      max_connections: '200',
      listen_addresses: '127.0.0.1',
      password_encryption: 'scram-sha-256',
    };
    const settings = await query(url, 'select name, setting from pg_settings where name = any ($1)', [
      Object.keys(expected),
    ]);
    const actual = Object.fromEntries(settings.map(({ name, setting }) => [name, setting]));
    expect(actual).toEqual(expected);
  });

  it('has a cache of an eighth of the memory, from 128 to 512 MB', async () => {
    const gigabyte = 2 ** 30;
    expect([0.5, 1, 2, 4, 64].map((memory) => cacheSizeMb(memory * gigabyte))).toEqual([128, 128, 256, 512, 512]);
    const { url } = await embedded.start(await embedded.preparedDataDir());
    const [setting] = await query(url, "select pg_size_bytes(current_setting('shared_buffers')) as bytes");
    expect(setting).toEqual({ bytes: String(cacheSizeMb() * 2 ** 20) });
  });

  it('lets its role create extensions and roles, and tokenizes non-ASCII words', async () => {
    const { url } = await embedded.start(embedded.newDataDir());
    await query(url, 'create extension pg_trgm; create extension unaccent; create extension btree_gin');
    await query(url, 'create role app nologin; grant app to whitemagic; set role app');
    const [words] = await query(
      url,
      `select array_length(show_trgm('привет'), 1) as parts, to_tsvector('simple', 'foo—bar «Привет»')::text as lexemes`,
    );
    expect(words).toEqual({ parts: 7, lexemes: "'bar':2 'foo':1 'привет':3" });
  });

  it('rejects every login without the password, including that of the superuser', async () => {
    const { url } = await embedded.start(await embedded.preparedDataDir());
    const { port, search } = new URL(url);
    for (const login of ['whitemagic', 'whitemagic:wrong', 'postgres', 'postgres:postgres']) {
      for (const host of ['', search]) {
        const attempt = query(`postgres://${login}@127.0.0.1:${port}/whitemagic${host}`, 'select 1');
        await expect(attempt, `${login} ${host}`).rejects.toThrow(/password/);
      }
    }
  });

  it('tries another port when the chosen one is taken', async () => {
    const dataDir = await embedded.preparedDataDir();
    const database = await embedded.start(dataDir);
    await database.stop();
    const occupant = createServer().listen(0, '127.0.0.1');
    await once(occupant, 'listening');
    const taken = (occupant.address() as { port: number }).port;
    const ports = [taken, taken, await freePort()];
    const location = await chooseLocation(dataDir, () => {});
    const server = await launch(
      location,
      () => {},
      async () => ports.shift() ?? 0,
    );
    expect(ports).toEqual([]);
    expect(server.port).not.toBe(taken);
    await stop(server, location);
    occupant.close();
  });

  it('is connected to over its Unix socket, which only its user and root can open', async () => {
    const { url, directory } = await embedded.start(embedded.newDataDir());
    expect(await query(url, 'select inet_server_addr() as address')).toEqual([{ address: null }]);
    expect(new URL(url).searchParams.get('host')).toBe(directory);
    expect(await modeOf(join(directory, `.s.PGSQL.${new URL(url).port}`))).toBe('700');
    expect(await modeOf(directory)).toBe('700');
  });

  it('is connected to over TCP where the path of its socket would be too long', async () => {
    const { url } = await embedded.start(join(embedded.newDataDir(), 'x'.repeat(100)));
    expect(new URL(url).search).toBe('');
    expect(await query(url, 'select host(inet_server_addr()) as address')).toEqual([{ address: '127.0.0.1' }]);
  });

  it('is connected to over TCP where it cannot open a socket, which is logged', async () => {
    const dataDir = await embedded.preparedDataDir();
    await (await embedded.start(dataDir)).stop();
    const location = await chooseLocation(dataDir, () => {});
    const messages: string[] = [];
    const server = await launch(
      location,
      (message) => messages.push(message),
      async () => {
        const port = await freePort();
        if (messages.length === 0) await mkdir(join(location.cluster, `.s.PGSQL.${port}`));
        return port;
      },
    );
    expect(messages).toEqual([expect.stringContaining('cannot open a Unix socket')]);
    expect(await query(await urlOf(location.home, server), 'select host(inet_server_addr()) as address')).toEqual([
      { address: '127.0.0.1' },
    ]);
    await stop(server, location);
  });

  it('starts beside the socket that a killed server left', async () => {
    const dataDir = await embedded.preparedDataDir();
    const { directory, stop } = await embedded.start(dataDir);
    await stop();
    // A process that lives has the number in the lock file.
    await writeFile(join(directory, '.s.PGSQL.5432.lock'), `${process.ppid}\n${directory}\n`);
    await writeFile(join(directory, '.s.PGSQL.5432'), '');
    const { url } = await embedded.start(dataDir);
    expect(await query(url, 'select 1 as one')).toEqual([{ one: 1 }]);
    expect((await readdir(directory)).filter((name) => name.includes('PGSQL.5432'))).toEqual([]);
  });

  it('reports in the error why it did not start, and releases the directory', async () => {
    const dataDir = await embedded.preparedDataDir();
    const { directory, stop } = await embedded.start(dataDir);
    await stop();
    const file = join(directory, 'postgresql.conf');
    const text = await readFile(file, 'utf8');
    await writeFile(file, `${text}\nno_such_setting = 1\n`);
    await expect(startEmbedded({ dataDir, log: () => {} })).rejects.toThrow('no_such_setting');
    await writeFile(file, text);
    expect((await embedded.start(dataDir)).origin).toBe('started');
  });

  it('is restarted on the same port after an unexpected exit, which is logged; a requested exit is not', async () => {
    const messages: string[] = [];
    const dataDir = await embedded.preparedDataDir();
    await (await embedded.start(dataDir, messages)).stop();
    expect(messages).toEqual([]);
    const { directory, url } = await embedded.start(dataDir, messages);
    for (const signal of ['SIGQUIT', 'SIGKILL'] as const) {
      messages.length = 0;
      process.kill(await postmasterPid(directory), signal);
      const expected = [expect.stringContaining('exited unexpectedly'), expect.stringContaining('was restarted')];
      await vi.waitFor(() => expect(messages).toEqual(expected), 20_000);
      await query(url, 'select 1');
    }
  });

  it('does not receive the Ctrl-C of the terminal, so that the service can shut down in order', async () => {
    const child = embedded.spawnChild(await embedded.preparedDataDir(), { detached: true });
    const { url } = await child.started();
    process.kill(-child.pid, 'SIGINT');
    expect(await child.report()).toEqual({ drained: 4 });
    await child.exited();
    await expect(query(url, 'select 1')).rejects.toThrow(/ECONNREFUSED|ENOENT/);
  });
});
