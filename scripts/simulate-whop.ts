import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { startServiceProcess } from './service-process.ts';
import { type Membership, startWhopSimulator, type WhopSimulator } from './whop-simulator/server.ts';

const HELP = `Usage: npm run simulate:whop [-- --port N]

Starts the service on a temporary database, a Whop simulator, and a page to buy plans on. The data is deleted at the end.
  --port   port of the page (default 8799; 0 for any free port)`;

const PLANS = ['plan_free', 'plan_starter', 'plan_pro', 'plan_enterprise'];

/** Actions on a membership, by the label of their button. */
const ACTIONS: Record<string, (whop: WhopSimulator, membership: Membership) => void> = {
  'upgrade to enterprise': (whop, membership) => whop.switchPlan(membership, 'plan_enterprise'),
  'cancel at period end': (whop, membership) => whop.cancelAtPeriodEnd(membership),
  'end now': (whop, membership) => whop.end(membership),
  resume: (whop, membership) => whop.resume(membership),
  'fail a payment': (whop, membership) => whop.failPayment(membership),
  'refund half': (whop, membership) => whop.refundHalf(membership),
};

interface Simulation {
  whop: WhopSimulator;
  serviceUrl: string;
  outbox: string;
  /** Response statuses of the deliveries of each event, by event id. */
  deliveries: Map<string, number[]>;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { port: { type: 'string', default: '8799' }, help: { type: 'boolean', short: 'h', default: false } },
  });
  if (values.help) return print(HELP);
  if (process.env.NODE_ENV === 'production') {
    throw new Error('The Whop simulator sells plans without payment: it does not run with NODE_ENV=production.');
  }
  const dataDir = await mkdtemp(join(tmpdir(), 'whitemagic-whop-'));
  const whop = await startWhopSimulator();
  const { config } = whop;
  const service = await startServiceProcess(dataDir, {
    LOG_LEVEL: 'warn',
    EMBEDDER: 'none',
    WHOP_API_KEY: config.apiKey as string,
    WHOP_API_URL: config.apiUrl,
    WHOP_WEBHOOK_SECRET: config.webhookSecrets.join(),
    WHOP_PLANS: PLANS.map((plan) => `${plan}=${plan.replace('plan_', '')}`).join(),
    WHOP_OAUTH_CLIENT_ID: config.oauth.clientId as string,
    WHOP_OAUTH_CLIENT_SECRET: config.oauth.clientSecret as string,
    WHOP_OAUTH_URL: config.oauth.url,
  });
  whop.webhookUrl = `${service.url}/webhooks/whop`;
  whop.autoDeliver = true;
  const deliveries = recordDeliveries(whop);
  const simulation = { whop, serviceUrl: service.url, outbox: join(dataDir, 'outbox'), deliveries };
  const server = createServer((request, response) => {
    handle(simulation, request, response).catch((error) => {
      response.writeHead(500).end(String(error));
    });
  });
  await new Promise<void>((resolve) => server.listen(Number(values.port), '127.0.0.1', resolve));
  print(`Buy a plan on   http://127.0.0.1:${(server.address() as AddressInfo).port}\nThe service is  ${service.url}`);

  await new Promise<void>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve());
    void service.finished.then(() => resolve());
  });
  server.closeAllConnections();
  server.close();
  await whop.close();
  await service.stop();
  await rm(dataDir, { recursive: true, force: true });
}

function recordDeliveries(whop: WhopSimulator): Map<string, number[]> {
  const deliveries = new Map<string, number[]>();
  const deliver = whop.deliver;
  whop.deliver = async (event, options) => {
    const status = await deliver(event, options);
    deliveries.set(event.id, [...(deliveries.get(event.id) ?? []), status]);
    return status;
  };
  return deliveries;
}

async function handle(simulation: Simulation, request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (request.method === 'POST') {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    await executeForm(simulation, new URLSearchParams(Buffer.concat(parts).toString('utf8')));
    response.writeHead(303, { Location: '/' }).end();
    return;
  }
  response.writeHead(200, { 'Content-Type': 'text/html; charset=utf-8' });
  response.end(page(simulation, await mailsIn(simulation.outbox)));
}

async function executeForm({ whop }: Simulation, form: URLSearchParams): Promise<void> {
  const [plan, action, replay] = ['plan', 'action', 'replay'].map((name) => form.get(name));
  if (plan) {
    whop.signedIn = whop.person({ email: form.get('email') || null });
    whop.buy(plan, { person: whop.signedIn });
  }
  const membership = whop.memberships.get(form.get('membership') ?? '');
  if (action && membership) ACTIONS[action]?.(whop, membership);
  const event = whop.events.find(({ id }) => id === replay);
  if (event) await whop.deliver(event);
}

interface Mail {
  to: string;
  subject: string;
  link: string | undefined;
}

/** Reads the e-mails that the service has sent, newest first. */
async function mailsIn(outbox: string): Promise<Mail[]> {
  const files = (await readdir(outbox).catch(() => [])).filter((file) => file.endsWith('.eml'));
  const sources = await Promise.all(files.sort().map((file) => readFile(join(outbox, file), 'utf8')));
  return sources.toReversed().map((source) => {
    const text = source.replaceAll(/=\r?\n/g, '').replaceAll('=3D', '=');
    const header = (name: string) => new RegExp(`^${name}: (.+)$`, 'm').exec(text)?.[1]?.trim() ?? '';
    return { to: header('To'), subject: header('Subject'), link: /https?:\/\/[^\s"<]+\/claim\/[\w-]+/.exec(text)?.[0] };
  });
}

function page({ whop, serviceUrl, deliveries }: Simulation, mails: readonly Mail[]): string {
  const bought = [...whop.memberships.values()].toReversed();
  const payment = [...whop.payments.values()].at(-1);
  const memberships = bought.map(
    (membership) => `<tr><td>${e(membership.person?.email ?? 'no address')}<td>${e(membership.planId)}
      <td>${e(membership.status)}${membership.cancelAtPeriodEnd ? ', canceled at period end' : ''}
      <td>${Object.keys(ACTIONS)
        .map((action) => button(action, { action, membership: membership.id }))
        .join(' ')}`,
  );
  const events = whop.events.toReversed().map(
    ({ id, type }) => `<tr><td>${e(type)}<td>${deliveries.get(id)?.join(', ') ?? 'pending'}
        <td>${button('replay event', { replay: id })}`,
  );
  const mailRows = mails.map(
    ({ to, subject, link }) => `<tr><td>${e(to)}<td>${e(subject)}
      <td>${link ? `<a href="${e(link)}" target="_blank">get the key</a>` : ''}`,
  );
  return `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Not Whop</title><style>body{font:16px/1.5 system-ui;max-width:60rem;margin:2rem auto;padding:0 1rem;color-scheme:light dark}
form{display:inline}td{padding:.2rem .8rem .2rem 0;vertical-align:top}</style>
<h1>Not Whop</h1><p>Plans cost nothing here. Buy one, open the link in the e-mail, press its button, and call
<a href="${serviceUrl}/docs">the service</a> with the key.</p>
<form method="post"><input name="email" type="email" value="you@example.com" aria-label="e-mail">
${PLANS.map((plan) => `<button name="plan" value="${plan}">buy ${plan.replace('plan_', '')}</button>`).join(' ')}</form>
${payment ? `<p><a href="${serviceUrl}/welcome?payment_id=${payment.id}" target="_blank">Continue as Whop's checkout does</a></p>` : ''}
<h2>E-mails</h2><table>${mailRows.join('')}</table>
<h2>Memberships</h2><table>${memberships.join('')}</table>
<h2>Webhooks</h2><table>${events.join('')}</table>
<p><a href="/">Refresh</a></p></html>`;
}

function button(label: string, fields: Record<string, string>): string {
  const hidden = Object.entries(fields).map(
    ([name, value]) => `<input type="hidden" name="${name}" value="${e(value)}">`,
  );
  return `<form method="post">${hidden.join('')}<button>${label}</button></form>`;
}

function e(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

try {
  await main();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
