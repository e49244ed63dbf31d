import { setMaxListeners } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { WhopConfig } from '../../api/config.ts';
import { type OAuthAnswer, oauthServer } from './oauth.ts';
import { COMPANY, type Membership, type Payment, type Person, tick, whopId } from './people.ts';
import { bodyOf, membershipIn, paymentIn, type Shape, signed, type WhopEvent } from './shapes.ts';

export type { Membership, Payment, Person, Shape, WhopEvent };

/** What is wrong with Whop at the moment. */
export interface Trouble {
  /** The API answers everything with this. */
  status?: number;
  /** The API answers so many milliseconds late. */
  delayMs?: number;
}

export interface StandInOptions {
  /** Where webhooks go, once {@link WhopStandIn.autoDeliver} is on or {@link WhopStandIn.deliver} is called. */
  webhookUrl?: string;
  /** Pauses before an undelivered webhook is sent again; after the last one it is given up. */
  pausesMs?: readonly number[];
  plans?: WhopConfig['plans'];
  port?: number;
}

/** Whop, near enough: its API, its webhooks and its log-in, and what people do there. */
export interface WhopStandIn {
  url: string;
  /** For the service's configuration. */
  config: WhopConfig;
  webhookUrl: string;
  /** How webhooks are written. Default `v1`. */
  shape: Shape;
  trouble: Trouble;
  /** Who sits at the browser when the log-in is asked for; nobody: 401. */
  signedIn: Person | undefined;
  /** Sends each event as it happens, again until it is taken. */
  autoDeliver: boolean;
  /** True once deliveries have failed for too long: what happens from then on is never sent. */
  webhooksDisabled: boolean;
  /** Everything that happened while webhooks were on, in order. */
  events: WhopEvent[];
  memberships: Map<string, Membership>;
  payments: Map<string, Payment>;
  /** What was asked of the API: `GET /memberships/mem_…`. */
  calls: string[];
  oauth: ReturnType<typeof oauthServer>;

  person(options?: { email?: string | null; name?: string }): Person;
  /** Somebody buys a plan. Answers the membership, which Whop changes from then on. */
  buy(
    planId: string,
    options?: { person?: Person; planMetadata?: Record<string, unknown>; status?: string },
  ): Membership;
  cancelAtPeriodEnd(membership: Membership): void;
  /** The membership is over. */
  end(membership: Membership, status?: 'canceled' | 'expired'): void;
  resume(membership: Membership): void;
  switchPlan(membership: Membership, planId: string): void;
  /** A renewal could not be collected; Whop goes on trying. */
  failPayment(membership: Membership): void;
  refundHalf(membership: Membership): void;
  /** Changes a membership without a word. */
  change(membership: Membership, fields: Partial<Membership>): void;
  /** Sends one event once. Answers the status, 0 when nobody answered. */
  deliver(event: WhopEvent, options?: { shape?: Shape; secret?: string; at?: Date }): Promise<number>;
  /** Resolves when nothing is on its way. */
  idle(): Promise<void>;
  close(): Promise<void>;
}

const MONTH_MS = 30 * 86_400_000;
const SECRET = `ws_${'5ec2e7'.repeat(10)}0000`;
const API_KEY = 'apik_test';
const CLIENT = { id: 'app_test', secret: 'app_secret' };
const DELIVERY_TIMEOUT_MS = 5_000;
const SNAPSHOT = <T extends object>(thing: T): T => ({ ...thing });

/** Starts a stand-in for Whop on a free port. */
export async function startWhop(options: StandInOptions = {}): Promise<WhopStandIn> {
  const oauth = oauthServer(CLIENT);
  const onTheirWay = new Set<Promise<void>>();
  const closing = new AbortController();
  setMaxListeners(0, closing.signal);
  const pausesMs = options.pausesMs ?? [30, 60, 120, 240, 480];

  const server = createServer((request, response) => {
    answer(request, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(options.port ?? 0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  const happened = (type: string, subject: WhopEvent['subject']): void => {
    // Never sent, not even when they are on again.
    if (whop.webhooksDisabled) return;
    const { membership, payment, refund } = subject;
    const then = SNAPSHOT(membership);
    const event: WhopEvent = {
      id: whopId('msg'),
      type,
      subject: {
        membership: then,
        ...(payment && { payment: { ...payment, membership: then } }),
        ...(refund && { refund }),
      },
      at: tick(),
    };
    whop.events.push(event);
    if (!whop.autoDeliver) return;
    const way = keepDelivering(event).finally(() => onTheirWay.delete(way));
    onTheirWay.add(way);
  };

  async function keepDelivering(event: WhopEvent): Promise<void> {
    for (const pause of [...pausesMs, undefined]) {
      const status = await whop.deliver(event);
      if (status >= 200 && status < 300) return;
      if (pause === undefined || whop.webhooksDisabled || closing.signal.aborted) break;
      await delay(pause, undefined, { signal: closing.signal }).catch(() => undefined);
    }
    whop.webhooksDisabled = true;
  }

  const paid = (membership: Membership, status: Payment['status']): Payment => {
    const payment = { id: whopId('pay'), status, membership, refunded: 0, total: 30, createdAt: tick() };
    whop.payments.set(payment.id, payment);
    happened(status === 'paid' ? 'payment.succeeded' : 'payment.failed', { membership, payment });
    return payment;
  };

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(request.url ?? '/', url);
    const send = (status: number, body?: unknown, headers: Record<string, string> = {}) => {
      response.writeHead(status, { 'Content-Type': 'application/json', ...headers });
      response.end(JSON.stringify(body ?? {}));
    };
    if (pathname.startsWith('/oauth/')) {
      const given = request.method === 'POST' ? JSON.parse(await read(request)) : {};
      const { status, body, location } = signIn(pathname, searchParams, request.headers.authorization ?? '', given);
      return send(status, body, location ? { Location: location } : {});
    }
    if (whop.trouble.delayMs) await delay(whop.trouble.delayMs);
    whop.calls.push(`${request.method} ${pathname.replace('/api/v1', '')}`);
    if (whop.trouble.status) return send(whop.trouble.status, { error: { type: 'internal_error', message: 'oops' } });
    if (request.headers.authorization !== `Bearer ${API_KEY}`) {
      return send(401, { error: { type: 'unauthorized', message: 'The API key is not valid' } });
    }
    const found = resource(pathname.replace('/api/v1/', '').split('/').map(decodeURIComponent), searchParams);
    return found ? send(200, found) : send(404, { error: { type: 'not_found', message: 'Not found' } });
  }

  function signIn(path: string, query: URLSearchParams, bearer: string, given: Record<string, string>): OAuthAnswer {
    if (path === '/oauth/token') return oauth.token(given);
    if (path === '/oauth/userinfo') return oauth.userinfo(bearer);
    if (path === '/oauth/revoke') return oauth.revoke(given);
    if (path !== '/oauth/authorize') return { status: 404 };
    return whop.signedIn ? oauth.authorize(query, whop.signedIn) : { status: 401, body: { error: 'login_required' } };
  }

  function resource([kind, id, verb, of]: string[], query: URLSearchParams): unknown {
    const all = [...whop.memberships.values()];
    if (kind === 'memberships' && id === undefined) return page(all, query);
    if (kind === 'memberships') {
      const found = all.find((membership) => membership.id === id || membership.licenseKey === id);
      return found && membershipIn('v1', found);
    }
    if (kind === 'payments') {
      const payment = whop.payments.get(id ?? '');
      return payment && paymentIn('v1', payment);
    }
    if (kind === 'users' && verb === 'access') {
      const held = all.some(
        ({ person, productId, status }) =>
          person?.id === id && productId === of && ['active', 'trialing', 'completed', 'past_due'].includes(status),
      );
      return { has_access: held, access_level: held ? 'customer' : 'no_access' };
    }
    return undefined;
  }

  const whop: WhopStandIn = {
    url,
    config: {
      apiKey: API_KEY,
      apiUrl: `${url}/api/v1`,
      companyId: COMPANY.id,
      webhookSecrets: [SECRET],
      legacySignatures: false,
      plans: options.plans ?? {
        plan_free: 'free',
        plan_starter: 'starter',
        plan_pro: 'pro',
        plan_enterprise: 'enterprise',
      },
      oauth: { clientId: CLIENT.id, clientSecret: CLIENT.secret, url: `${url}/oauth` },
    },
    webhookUrl: options.webhookUrl ?? '',
    shape: 'v1',
    trouble: {},
    signedIn: undefined,
    autoDeliver: false,
    webhooksDisabled: false,
    events: [],
    memberships: new Map(),
    payments: new Map(),
    calls: [],
    oauth,

    person({ email, name = 'Ann' } = {}) {
      const id = whopId('user');
      return { id, name, email: email === undefined ? `${id}@example.com` : email };
    },
    buy(planId, { person = whop.person(), planMetadata = null as never, status = 'active' } = {}) {
      const at = tick();
      const membership: Membership = {
        id: whopId('mem'),
        status,
        person,
        planId,
        planMetadata,
        productId: 'prod_test',
        cancelAtPeriodEnd: false,
        canceledAt: null,
        periodStart: at,
        periodEnd: new Date(at.getTime() + MONTH_MS),
        licenseKey: whopId('WM'),
        createdAt: at,
        updatedAt: at,
      };
      whop.memberships.set(membership.id, membership);
      paid(membership, 'paid');
      happened('membership.activated', { membership });
      return membership;
    },
    cancelAtPeriodEnd(membership) {
      whop.change(membership, { cancelAtPeriodEnd: true, canceledAt: tick() });
      happened('membership.cancel_at_period_end_changed', { membership });
    },
    end(membership, status = 'canceled') {
      whop.change(membership, { status, cancelAtPeriodEnd: false });
      happened('membership.deactivated', { membership });
    },
    resume(membership) {
      whop.change(membership, { status: 'active', cancelAtPeriodEnd: false, canceledAt: null });
      happened('membership.activated', { membership });
    },
    switchPlan(membership, planId) {
      whop.change(membership, { planId });
      happened('membership.updated', { membership });
    },
    failPayment(membership) {
      whop.change(membership, { status: 'past_due' });
      paid(membership, 'failed');
    },
    refundHalf(membership) {
      const payment = [...whop.payments.values()].findLast((made) => made.membership.id === membership.id);
      if (!payment) throw new Error('nothing was paid');
      payment.refunded = payment.total / 2;
      happened('refund.created', { membership, payment, refund: { id: whopId('rfnd'), amount: payment.refunded } });
    },
    change(membership, fields) {
      Object.assign(membership, fields, { updatedAt: tick() });
    },
    async deliver(event, { shape = whop.shape, secret = SECRET, at = new Date() } = {}) {
      const body = bodyOf(event, shape);
      const headers = { 'Content-Type': 'application/json', ...signed({ id: event.id, body, shape }, secret, at) };
      try {
        const response = await fetch(whop.webhookUrl, {
          method: 'POST',
          headers,
          body,
          redirect: 'manual',
          signal: AbortSignal.any([closing.signal, AbortSignal.timeout(DELIVERY_TIMEOUT_MS)]),
        });
        await response.arrayBuffer();
        return response.status;
      } catch {
        return 0;
      }
    },
    async idle() {
      while (onTheirWay.size > 0) await Promise.all(onTheirWay);
    },
    async close() {
      closing.abort();
      await whop.idle();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return whop;
}

/** A page of the list, newest first, as Whop cuts them. */
function page(all: Membership[], query: URLSearchParams): unknown {
  const newest = all.toReversed();
  const first = Math.min(Number(query.get('first') ?? 20), 100);
  const after = query.get('after');
  const from = after ? newest.findIndex(({ id }) => id === after) + 1 : 0;
  const data = newest.slice(from, from + first);
  // The list has no addresses and no metadata of plans.
  const listed = data.map((membership) => {
    const { user, plan: _plan, ...rest } = membershipIn('v1', membership);
    const { email: _email, ...named } = (user ?? {}) as Record<string, unknown>;
    return { ...rest, plan: { id: membership.planId }, user: user && named };
  });
  return {
    data: listed,
    page_info: {
      start_cursor: data[0]?.id ?? null,
      end_cursor: data.at(-1)?.id ?? null,
      has_next_page: from + first < newest.length,
      has_previous_page: from > 0,
    },
  };
}

async function read(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return Buffer.concat(parts).toString('utf8');
}
