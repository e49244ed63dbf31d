import { randomInt } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import type { WhopSimulator } from '../../../scripts/whop-simulator/server.ts';
import { type BillingFixture, openBillingFixture } from '../../support/billing-fixture.ts';
import { spawnScript } from '../../support/run-script.ts';
import {
  ACTIONS,
  type Action,
  executeAction,
  expectAccountOf,
  newCustomer,
} from '../../support/whop-customers-model.ts';

let bench: BillingFixture;
let children: ReturnType<typeof spawnScript>[] = [];

beforeAll(async () => {
  // This node runs no jobs: it provides the database and the simulator.
  bench = await openBillingFixture({ jobs: false });
});
afterAll(async () => {
  for (const { child, finished } of children) {
    child.kill('SIGKILL');
    await finished;
  }
  children = [];
  await bench.close();
});

/** Returns the environment of a service that uses the simulator. */
function variables({ config }: WhopSimulator): Record<string, string> {
  return {
    DATABASE_URL: bench.node.databaseUrl,
    DATA_DIR: bench.node.dataDir,
    EMBEDDER: 'none',
    LOG_LEVEL: 'error',
    WHOP_API_KEY: config.apiKey as string,
    WHOP_API_URL: config.apiUrl,
    WHOP_WEBHOOK_SECRET: config.webhookSecrets.join(),
    WHOP_PLANS: Object.entries(config.plans)
      .map((pair) => pair.join('='))
      .join(),
  };
}

function spawnProcess(path: string, own: Record<string, string>) {
  const made = spawnScript(path, [], { ...variables(bench.whop), ...own });
  children.push(made);
  return made;
}

/**
 * Starts the service as a process of its own, on a free port; resolves when it listens. A killed node's port is not
 * asked for again: by then it can belong to another process of the test run.
 */
async function startNode(own: Record<string, string> = {}) {
  const node = spawnProcess('api/main.ts', { PORT: '0', ...own });
  const failed = node.finished.then(({ code, stdout, stderr }) => {
    throw new Error(`The service exited with code ${code} before it listened:\n${stdout}${stderr}`);
  });
  const listens = vi.waitUntil(() => node.output().includes('"api":"http'), { timeout: 60_000 });
  await Promise.race([listens, failed]);
  failed.catch(() => undefined);
  const url = /"api":"(http[^"]+)\/api\/v1"/.exec(node.output())?.[1] as string;
  return { ...node, url };
}

it('billing › a webhook that a killed node accepted is processed by `npm run worker`', async () => {
  const { whop } = bench;
  const first = await startNode({ JOBS: 'off' });
  whop.webhookUrl = `${first.url}/webhooks/whop`;
  const membership = whop.buy('plan_pro');
  for (const event of whop.events) expect(await whop.deliver(event)).toBe(200);
  first.child.kill('SIGKILL');
  await first.finished;
  expect(await bench.account(membership.person?.id)).toBeUndefined();
  const worker = spawnProcess('api/jobs/main.ts', { PUBLIC_URL: 'https://memory.example' });
  await bench.settled();
  expect(await bench.account(membership.person?.id)).toMatchObject({ plan: 'pro', claims: 1 });
  expect(await bench.mails(membership.person?.id)).toEqual(['welcome']);
  const [mail] = await readdir(join(bench.node.dataDir, 'outbox'));
  const source = await readFile(join(bench.node.dataDir, 'outbox', mail as string), 'utf8');
  expect(source.replaceAll('=\r\n', '')).toContain('https://memory.example/claim/');
  worker.child.kill('SIGTERM');
  expect((await worker.finished).code).toBe(0);
}, 120_000);

it('billing › accounts match their memberships after kills at random moments of purchases, switches and cancellations', async () => {
  const { whop } = bench;
  whop.events.length = 0;
  whop.autoDeliver = true;
  const customers = Array.from({ length: 6 }, () => newCustomer(whop));
  let node = await startNode();
  whop.webhookUrl = `${node.url}/webhooks/whop`;
  // Slow responses, so that a kill interrupts processing.
  whop.faults = { delayMs: 15 };
  for (let kill = 0; kill < 6; kill++) {
    for (let n = 0; n < 10; n++) {
      const action = { what: ACTIONS[randomInt(ACTIONS.length)] as Action['what'], which: randomInt(12) };
      executeAction(whop, customers[randomInt(customers.length)] as (typeof customers)[0], action);
      await delay(randomInt(25));
    }
    node.child.kill('SIGKILL');
    await node.finished;
    node = await startNode();
    whop.webhookUrl = `${node.url}/webhooks/whop`;
  }
  await whop.idle();
  whop.faults = {};
  await bench.settled({ hurry: true });
  for (const life of customers) await expectAccountOf(bench, life);
  const inbox = await bench.inbox();
  expect(inbox.filter(({ done }) => !done)).toEqual([]);
  node.child.kill('SIGTERM');
  expect((await node.finished).code).toBe(0);
}, 180_000);
