import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createNodeTurns, type NodeTurns } from '../../../api/limits/node-turns.ts';
import { connect, type Database } from '../../../db/client/database.ts';
import { startTestService, type TestService } from '../../support/service.ts';

let service: TestService;
let databases: Database[];
let one: NodeTurns;
let other: NodeTurns;

beforeAll(async () => {
  service = await startTestService();
  databases = [1, 2].map(() => connect({ url: service.databaseUrl, onError: () => undefined }));
  [one, other] = databases.map((database) => createNodeTurns(database.lookup)) as [NodeTurns, NodeTurns];
});
afterAll(async () => {
  await Promise.all(databases.map((database) => database.close()));
  await service.stop();
});

/** Takes a turn, and records its beginning and its end. */
async function hold(turns: NodeTurns, tenant: string, name: string, log: string[], milliseconds = 40): Promise<void> {
  const end = await turns.take(tenant);
  log.push(`${name} begins`);
  await delay(milliseconds);
  log.push(`${name} ends`);
  end();
}

describe('turns of two nodes', () => {
  it('come one after the other for a tenant', async () => {
    const tenant = randomUUID();
    const log: string[] = [];
    const first = hold(one, tenant, 'one', log);
    await expect.poll(() => log).toEqual(['one begins']);
    await Promise.all([first, hold(other, tenant, 'other', log)]);
    expect(log).toEqual(['one begins', 'one ends', 'other begins', 'other ends']);
  });

  it('alternate, however many requests wait at one of them', async () => {
    const tenant = randomUUID();
    const log: string[] = [];
    let left = 8;
    const flood = (async () => {
      for (; left > 0; left--) await hold(one, tenant, 'one', log);
    })();
    await expect.poll(() => log.length).toBeGreaterThan(0);
    await hold(other, tenant, 'other', log);
    expect(left).toBeGreaterThan(4);
    await flood;
  });

  it('of different tenants do not wait for each other', async () => {
    const end = await one.take(randomUUID());
    const started = performance.now();
    (await other.take(randomUUID()))();
    expect(performance.now() - started).toBeLessThan(1_000);
    end();
  });

  it('are waited for two seconds at most, after which the place in the line is free again', async () => {
    const tenant = randomUUID();
    const end = await one.take(tenant);
    const started = performance.now();
    (await other.take(tenant))();
    expect(performance.now() - started).toBeGreaterThan(1_900);
    end();
    const log: string[] = [];
    await Promise.all([hold(one, tenant, 'one', log), hold(other, tenant, 'other', log)]);
    expect(log.filter((entry) => entry.endsWith('begins'))).toHaveLength(2);
    expect(log[1]).toMatch(/ends$/);
  });

  it('end with the connection of a node', async () => {
    const tenant = randomUUID();
    const killed = connect({ url: service.databaseUrl, onError: () => undefined });
    await createNodeTurns(killed.lookup).take(tenant);
    await killed.close();
    const started = performance.now();
    (await one.take(tenant))();
    expect(performance.now() - started).toBeLessThan(1_500);
  });

  it('delay no request when the database is lost', async () => {
    const lost = createNodeTurns(() => Promise.reject(new Error('lost')));
    (await lost.take(randomUUID()))();
  });
});
