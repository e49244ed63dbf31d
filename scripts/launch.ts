import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { z } from 'zod';
import { runProgram } from './cli-output.ts';
import { type Deployment, startDeployment } from './deployment/deployment.ts';
import { programOf } from './program.ts';
import { type Membership, startWhopSimulator, type WhopSimulator } from './whop-simulator/server.ts';

const HELP = `Usage: npm run launch [-- options]

Plays a soft launch against two nodes and a worker behind nginx, with PostgreSQL, Redis and a simulated Whop: customers come one
after the other, each buys a plan, activates the key from the e-mail, connects an agent (over HTTP or the stdio bridge, in
turn), lets it work, upgrades, and cancels. Prints what each step took.

  --customers N  number of customers (10)
  --minutes N    time over which they come (30)
  --calls N      tool calls of an agent (40)

Exits with 1 when a step of a customer fails.`;

const settings = z.object({
  customers: z.coerce.number().int().min(1).max(100).default(10),
  minutes: z.coerce.number().min(0).default(30),
  calls: z.coerce.number().int().min(1).default(40),
});

/** Milliseconds of each step of a customer. */
type Steps = Record<'purchase to e-mail' | 'activation' | 'connection' | 'calls' | 'upgrade' | 'end', number>;

interface Shop {
  whop: WhopSimulator;
  deployment: Deployment;
  /** Folder of the e-mails that the worker has sent. */
  outbox: string;
}

const STEP_MS = 120_000;
const PLANS = ['free', 'starter', 'pro', 'enterprise'];

async function main(): Promise<void> {
  const strings = { customers: { type: 'string' }, minutes: { type: 'string' }, calls: { type: 'string' } } as const;
  const { values } = parseArgs({ options: { ...strings, help: { type: 'boolean', short: 'h' } } });
  if (values.help) return console.log(HELP);
  const parsed = settings.safeParse(values);
  if (!parsed.success) throw new Error(`${z.prettifyError(parsed.error)}\n\n${HELP}`);
  const { customers, minutes, calls } = parsed.data;
  const folder = await mkdtemp(join(tmpdir(), 'whitemagic-launch-'));
  const whop = await startWhopSimulator();
  let deployment: Deployment | undefined;
  try {
    deployment = await startDeployment({ folder, variables: { EMBEDDER: 'none', ...whopVariables(whop) } });
    whop.webhookUrl = `${deployment.url}/webhooks/whop`;
    whop.autoDeliver = true;
    const shop = { whop, deployment, outbox: join(folder, 'worker', 'outbox') };
    const pauseMs = (minutes * 60_000) / customers;
    const journeys = Array.from({ length: customers }, async (_, index) => {
      await delay(index * pauseMs);
      return playCustomer(shop, index, calls);
    });
    const results = await Promise.allSettled(journeys);
    report(results);
    if (results.some(({ status }) => status === 'rejected')) throw new Error(`The logs are in ${folder}`);
    await rm(folder, { recursive: true, force: true });
  } finally {
    await deployment?.stop();
    await whop.close();
  }
}

function whopVariables({ config }: WhopSimulator): Record<string, string> {
  return {
    WHOP_API_KEY: config.apiKey ?? '',
    WHOP_API_URL: config.apiUrl,
    WHOP_WEBHOOK_SECRET: config.webhookSecrets.join(),
    WHOP_PLANS: PLANS.map((plan) => `plan_${plan}=${plan}`).join(),
  };
}

/** Plays one customer, from the purchase to the end of the membership. */
async function playCustomer({ whop, deployment, outbox }: Shop, index: number, calls: number): Promise<Steps> {
  const steps: Partial<Steps> = {};
  const step = async <T>(name: keyof Steps, work: () => Promise<T>): Promise<T> => {
    const started = performance.now();
    const result = await work().catch((cause) => {
      throw new Error(`customer ${index + 1}, ${name}: ${cause instanceof Error ? cause.message : cause}`);
    });
    steps[name] = Math.round(performance.now() - started);
    return result;
  };
  const email = `customer-${index + 1}@example.com`;
  const membership: Membership = whop.buy('plan_starter', { person: whop.person({ email }) });
  const link = await step('purchase to e-mail', () => until(() => activationLink(outbox, email)));
  const apiKey = await step('activation', async () => {
    const page = await (await fetch(link, { method: 'POST', body: new URLSearchParams() })).text();
    const key = /wm_[a-z0-9]+_[A-Za-z0-9]{32}/.exec(page)?.[0];
    if (!key) throw new Error('the page shows no key');
    return key;
  });
  const agent = await step('connection', () => connectAgent(deployment.url, apiKey, index % 2 === 0));
  await step('calls', () => work(agent, calls));
  await agent.close();
  const plan = async () => (await me(deployment.url, apiKey)).plan;
  const status = async () => (await me(deployment.url, apiKey)).status;
  whop.switchPlan(membership, 'plan_pro');
  await step('upgrade', () => until(async () => (await plan()) === 'pro' || undefined));
  whop.end(membership);
  await step('end', () => until(async () => (await status()) === 'read_only' || undefined));
  return steps as Steps;
}

/** Connects an agent over HTTP, or over the stdio bridge. */
async function connectAgent(url: string, apiKey: string, isHttp: boolean): Promise<Client> {
  const client = new Client({ name: 'launch', version: '1.0.0' });
  if (isHttp) {
    const requestInit = { headers: { Authorization: `Bearer ${apiKey}` } };
    // The SDK's own type does not allow for exact optional properties.
    await client.connect(new StreamableHTTPClientTransport(new URL(`${url}/mcp`), { requestInit }) as never);
    return client;
  }
  const { file, execArgv, cwd } = programOf('mcp/cli/whitemagic');
  const { PATH = '', HOME = '' } = process.env;
  const env = { PATH, HOME, WHITEMAGIC_URL: url, WHITEMAGIC_API_KEY: apiKey };
  await client.connect(
    new StdioClientTransport({ command: process.execPath, args: [...execArgv, file, 'mcp'], env, cwd }),
  );
  return client;
}

/** Lets an agent store, find and use memories. */
async function work(agent: Client, calls: number): Promise<void> {
  for (let turn = 0; turn < calls; turn++) {
    const query = `decision ${turn % 7}`;
    const [name, input] = [
      ['create_memory', { title: `Decision ${turn}`, content: `We decided on ${query} in turn ${turn}.` }],
      ['search_memories', { query }],
      ['get_context', { query }],
    ][turn % 3] as [string, Record<string, unknown>];
    const { isError, content } = await agent.callTool({ name, arguments: input });
    if (isError) throw new Error(`${name}: ${JSON.stringify(content).slice(0, 300)}`);
    // Starter allows 60 calls a minute.
    await delay(1_100);
  }
}

async function me(url: string, apiKey: string): Promise<{ plan: string; status: string }> {
  const response = await fetch(`${url}/api/v1/user/me`, { headers: { Authorization: `Bearer ${apiKey}` } });
  return (await response.json()) as { plan: string; status: string };
}

/** Returns the activation link in the e-mail to an address; undefined before it has been sent. */
async function activationLink(outbox: string, email: string): Promise<string | undefined> {
  for (const file of await readdir(outbox).catch(() => [])) {
    const source = await readFile(join(outbox, file), 'utf8');
    const text = source.replaceAll(/=\r?\n/g, '').replaceAll('=3D', '=');
    const link = /https?:\/\/[^\s"<]+\/claim\/[\w-]+/.exec(text)?.[0];
    if (link && new RegExp(`^To: .*${email}`, 'm').test(text)) return link;
  }
  return undefined;
}

/** Asks again until there is a result. */
async function until<T>(ask: () => Promise<T | undefined>): Promise<T> {
  for (const end = performance.now() + STEP_MS; ; await delay(500)) {
    const result = await ask();
    if (result !== undefined) return result;
    if (performance.now() > end) throw new Error(`nothing after ${STEP_MS / 1000} s`);
  }
}

/** Prints the median and the longest time of each step, and what failed. */
function report(results: readonly PromiseSettledResult<Steps>[]): void {
  const done = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
  const names = Object.keys(done[0] ?? {}) as (keyof Steps)[];
  const rows = names.map((name) => {
    const times = done.map((steps) => steps[name]).toSorted((a, b) => a - b);
    return { step: name, medianMs: times[Math.floor(times.length / 2)], longestMs: times.at(-1) };
  });
  console.table(rows);
  console.log(`${done.length} of ${results.length} customers came through`);
  for (const result of results) if (result.status === 'rejected') console.log(`✗ ${(result.reason as Error).message}`);
}

await runProgram(main);
