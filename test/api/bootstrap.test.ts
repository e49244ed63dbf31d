import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type ServiceConfig, startService } from '../../api/bootstrap.ts';
import { readConfig } from '../../api/config.ts';
import { startWorker } from '../../api/jobs/worker.ts';
import { openMailTransport } from '../../api/mail/transport.ts';
import { createLog } from '../../api/observability/log.ts';
import { dropDatabase, freshDatabase } from '../support/database.ts';

vi.mock('../../api/mail/transport.ts', async (original) => {
  const module = await original<typeof import('../../api/mail/transport.ts')>();
  return { ...module, openMailTransport: vi.fn(module.openMailTransport) };
});
vi.mock('../../api/jobs/worker.ts', () => ({ startWorker: vi.fn() }));

let databaseUrl: string;
let occupied: Server;
beforeAll(async () => {
  databaseUrl = await freshDatabase();
  occupied = createServer();
  await new Promise<void>((resolve) => occupied.listen(0, '127.0.0.1', resolve));
});
afterAll(async () => {
  occupied.close();
  await dropDatabase(databaseUrl);
});

const settings = (more: Partial<ServiceConfig>): ServiceConfig => ({
  ...readConfig({}),
  port: 0,
  jobs: false,
  embedder: 'none',
  databaseUrl,
  ...more,
});
const log = createLog({ level: 'silent', pretty: false });

/** Counts the connections to the test database, its own aside. */
async function openConnections(): Promise<number> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  const { rows } = await client.query<{ count: number }>(
    `select count(*)::int as count from pg_stat_activity
     where datname = current_database() and backend_type = 'client backend' and pid <> pg_backend_pid()`,
  );
  await client.end();
  return rows[0]?.count ?? -1;
}

/** Starts a service that is expected to fail and returns how often its mail transport was closed. */
async function failToStart(more: Partial<ServiceConfig>, message: RegExp): Promise<number> {
  const close = vi.fn();
  vi.mocked(openMailTransport).mockReturnValueOnce({ send: async () => undefined, close });
  await expect(startService(settings(more), log)).rejects.toThrow(message);
  return close.mock.calls.length;
}

describe('startService', () => {
  it('closes the mail transport and every database connection when the port is in use', async () => {
    const { port } = occupied.address() as AddressInfo;
    expect(await failToStart({ port }, /is in use/)).toBe(1);
    await vi.waitFor(async () => expect(await openConnections()).toBe(0));
  });

  it('closes the HTTP server too when the job worker cannot start', async () => {
    vi.mocked(startWorker).mockRejectedValueOnce(new Error('no worker'));
    const reserved = createServer();
    await new Promise<void>((resolve) => reserved.listen(0, '127.0.0.1', resolve));
    const { port } = reserved.address() as AddressInfo;
    await new Promise((resolve) => reserved.close(resolve));
    expect(await failToStart({ port, jobs: true }, /no worker/)).toBe(1);
    await vi.waitFor(async () => expect(await openConnections()).toBe(0));
    await expect(fetch(`http://127.0.0.1:${port}/health`)).rejects.toThrow('fetch failed');
  });

  it('closes everything once, however often it is stopped', async () => {
    const close = vi.fn();
    vi.mocked(openMailTransport).mockReturnValueOnce({ send: async () => undefined, close });
    const service = await startService(settings({}), log);
    await Promise.all([service.stop(), service.stop()]);
    expect(close).toHaveBeenCalledTimes(1);
    await vi.waitFor(async () => expect(await openConnections()).toBe(0));
  });

  it('stops although a job never ends', async () => {
    vi.mocked(startWorker).mockResolvedValueOnce({ stop: () => new Promise(() => undefined) });
    const service = await startService(settings({ jobs: true }), log);
    const started = performance.now();
    await service.stop();
    expect(performance.now() - started).toBeLessThan(16_000);
    await vi.waitFor(async () => expect(await openConnections()).toBe(0));
  });
});
