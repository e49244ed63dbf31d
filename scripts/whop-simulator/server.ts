import { setMaxListeners } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { WhopConfig } from '../../api/config.ts';
import { DAY_MS } from '../../api/time.ts';
import { createOAuthServer, type OAuthResponse } from './oauth.ts';
import { COMPANY, type Membership, nextTimestamp, type Payment, type Person, whopId } from './people.ts';
import {
  type Shape,
  serializeBody,
  serializeMembership,
  serializePayment,
  signatureHeaders,
  type WhopEvent,
} from './shapes.ts';

export type { Membership, Payment, Person, Shape, WhopEvent };

/** Faults that the simulator injects. */
interface Faults {
  /** Status of every API response. */
  status?: number;
  /** Delay of every API response. */
  delayMs?: number;
}

export interface WhopSimulatorOptions {
  /** URL that webhooks are sent to, by {@link WhopSimulator.deliver} or when {@link WhopSimulator.autoDeliver} is on. */
  webhookUrl?: string;
  /** Pauses before a failed delivery is retried; after the last one webhooks are disabled. */
  pausesMs?: readonly number[];
  plans?: WhopConfig['plans'];
  port?: number;
}

/** A local server that speaks Whop's API, webhooks and OAuth, with methods for what customers do there. */
export interface WhopSimulator {
  url: string;
  /** Configuration of a service that uses this server. */
  config: WhopConfig;
  webhookUrl: string;
  /** Format of webhooks. Default `v1`. */
  shape: Shape;
  faults: Faults;
  /** Person who is signed in at Whop in the browser; undefined: `/oauth/authorize` returns 401. */
  signedIn: Person | undefined;
  /** Delivers each event when it happens, with retries. */
  autoDeliver: boolean;
  /** True once all retries of a delivery have failed. Later events are dropped. */
  webhooksDisabled: boolean;
  /** Every event while webhooks were enabled, in order. */
  events: WhopEvent[];
  memberships: Map<string, Membership>;
  payments: Map<string, Payment>;
  /** API requests received, such as `GET /memberships/mem_…`. */
  calls: string[];
  oauth: ReturnType<typeof createOAuthServer>;

  person(options?: { email?: string | null; name?: string }): Person;
  /** Buys a plan for a person (default: a new one). Returns the membership, which later calls change in place. */
  buy(
    planId: string,
    options?: { person?: Person; planMetadata?: Record<string, unknown>; status?: string },
  ): Membership;
  cancelAtPeriodEnd(membership: Membership): void;
  /** Ends the membership. */
  end(membership: Membership, status?: 'canceled' | 'expired'): void;
  resume(membership: Membership): void;
  switchPlan(membership: Membership, planId: string): void;
  /** Fails a renewal payment; the membership becomes `past_due`. */
  failPayment(membership: Membership): void;
  refundHalf(membership: Membership): void;
  /** Changes a membership without an event. */
  change(membership: Membership, fields: Partial<Membership>): void;
  /** Delivers one event once. Returns the response's status, 0 without a response. */
  deliver(event: WhopEvent, options?: { shape?: Shape; secret?: string; at?: Date }): Promise<number>;
  /** Resolves when no delivery is in progress. */
  idle(): Promise<void>;
  close(): Promise<void>;
}

const MONTH_MS = 30 * DAY_MS;
const SECRET = `ws_${'5ec2e7'.repeat(10)}0000`;
const API_KEY = 'apik_test';
const CLIENT = { id: 'app_test', secret: 'app_secret' };
const DELIVERY_TIMEOUT_MS = 5_000;

/** Starts the simulator on `options.port`, by default a free port. */
export async function startWhopSimulator(options: WhopSimulatorOptions = {}): Promise<WhopSimulator> {
  const oauth = createOAuthServer(CLIENT);
  const deliveries = new Set<Promise<void>>();
  const closing = new AbortController();
  setMaxListeners(0, closing.signal);
  const pausesMs = options.pausesMs ?? [30, 60, 120, 240, 480];

  const server = createServer((request, response) => {
    respond(request, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(options.port ?? 0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  const emit = (type: string, subject: WhopEvent['subject']): void => {
    // Dropped for good, even if webhooks are enabled again.
    if (whop.webhooksDisabled) return;
    const { membership, payment, refund } = subject;
    const snapshot = { ...membership };
    const event: WhopEvent = {
      id: whopId('msg'),
      type,
      subject: {
        membership: snapshot,
        ...(payment && { payment: { ...payment, membership: snapshot } }),
        ...(refund && { refund }),
      },
      at: nextTimestamp(),
    };
    whop.events.push(event);
    if (!whop.autoDeliver) return;
    const delivery = deliverWithRetries(event).finally(() => deliveries.delete(delivery));
    deliveries.add(delivery);
  };

  async function deliverWithRetries(event: WhopEvent): Promise<void> {
    for (const pause of [...pausesMs, undefined]) {
      const status = await whop.deliver(event);
      if (status >= 200 && status < 300) return;
      if (pause === undefined || whop.webhooksDisabled || closing.signal.aborted) break;
      await delay(pause, undefined, { signal: closing.signal }).catch(() => undefined);
    }
    whop.webhooksDisabled = true;
  }

  const paid = (membership: Membership, status: Payment['status']): Payment => {
    const payment = { id: whopId('pay'), status, membership, refunded: 0, total: 30, createdAt: nextTimestamp() };
    whop.payments.set(payment.id, payment);
    emit(status === 'paid' ? 'payment.succeeded' : 'payment.failed', { membership, payment });
    return payment;
  };

  async function respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
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
    if (whop.faults.delayMs) await delay(whop.faults.delayMs);
    whop.calls.push(`${request.method} ${pathname.replace('/api/v1', '')}`);
    if (whop.faults.status) return send(whop.faults.status, { error: { type: 'internal_error', message: 'oops' } });
    if (request.headers.authorization !== `Bearer ${API_KEY}`) {
      return send(401, { error: { type: 'unauthorized', message: 'The API key is not valid' } });
    }
    const found = resource(pathname.replace('/api/v1/', '').split('/').map(decodeURIComponent), searchParams);
    return found ? send(200, found) : send(404, { error: { type: 'not_found', message: 'Not found' } });
  }

  function signIn(path: string, query: URLSearchParams, bearer: string, given: Record<string, string>): OAuthResponse {
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
      return found && serializeMembership('v1', found);
    }
    if (kind === 'payments') {
      const payment = whop.payments.get(id ?? '');
      return payment && serializePayment('v1', payment);
    }
    if (kind === 'users' && verb === 'access') {
      const hasAccess = all.some(
        ({ person, productId, status }) =>
          person?.id === id && productId === of && ['active', 'trialing', 'completed', 'past_due'].includes(status),
      );
      return { has_access: hasAccess, access_level: hasAccess ? 'customer' : 'no_access' };
    }
    return undefined;
  }

  const whop: WhopSimulator = {
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
    faults: {},
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
      const at = nextTimestamp();
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
      emit('membership.activated', { membership });
      return membership;
    },
    cancelAtPeriodEnd(membership) {
      whop.change(membership, { cancelAtPeriodEnd: true, canceledAt: nextTimestamp() });
      emit('membership.cancel_at_period_end_changed', { membership });
    },
    end(membership, status = 'canceled') {
      whop.change(membership, { status, cancelAtPeriodEnd: false });
      emit('membership.deactivated', { membership });
    },
    resume(membership) {
      whop.change(membership, { status: 'active', cancelAtPeriodEnd: false, canceledAt: null });
      emit('membership.activated', { membership });
    },
    switchPlan(membership, planId) {
      whop.change(membership, { planId });
      emit('membership.updated', { membership });
    },
    failPayment(membership) {
      whop.change(membership, { status: 'past_due' });
      paid(membership, 'failed');
    },
    refundHalf(membership) {
      const payment = [...whop.payments.values()].findLast((made) => made.membership.id === membership.id);
      if (!payment) throw new Error('the membership has no payment');
      payment.refunded = payment.total / 2;
      emit('refund.created', { membership, payment, refund: { id: whopId('rfnd'), amount: payment.refunded } });
    },
    change(membership, fields) {
      Object.assign(membership, fields, { updatedAt: nextTimestamp() });
    },
    async deliver(event, { shape = whop.shape, secret = SECRET, at = new Date() } = {}) {
      const body = serializeBody(event, shape);
      const headers = {
        'Content-Type': 'application/json',
        ...signatureHeaders({ id: event.id, body, shape }, secret, at),
      };
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
      while (deliveries.size > 0) await Promise.all(deliveries);
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

/** Returns one page of the membership list, newest first, in Whop's cursor format. */
function page(all: Membership[], query: URLSearchParams): unknown {
  const newest = all.toReversed();
  const first = Math.min(Number(query.get('first') ?? 20), 100);
  const after = query.get('after');
  const from = after ? newest.findIndex(({ id }) => id === after) + 1 : 0;
  const data = newest.slice(from, from + first);
  // Whop's list omits e-mail addresses and plan metadata.
  const listed = data.map((membership) => {
    const { user, plan: _plan, ...rest } = serializeMembership('v1', membership);
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
