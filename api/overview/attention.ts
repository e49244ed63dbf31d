import type { KeyRow } from '../../db/queries/accounts/api-keys.ts';
import type { LifecycleDates, UserStatus } from '../../db/queries/accounts/users.ts';
import type { MembershipRow } from '../../db/queries/billing/memberships.ts';
import type { WebhookRow } from '../../db/queries/webhooks/webhooks.ts';
import { grantsAccess } from '../billing/tiers.ts';
import { DAY_MS } from '../time.ts';

/** Something that the owner should know of or act on. */
export interface Attention {
  kind:
    | 'calls_limit'
    | 'storage_limit'
    | 'payment_failed'
    | 'plan_ends'
    | 'read_only'
    | 'account_closing'
    | 'key_expires'
    | 'webhook_failing'
    | 'index_behind'
    | 'not_indexed';
  severity: 'critical' | 'warning' | 'info';
  /** One or two sentences: what is, and what to do. */
  message: string;
  /** Where to act: a path of this service, or the URL of a page at Whop. */
  link: { label: string; href: string } | null;
}

/** Days before its expiry from which a key is named. */
const EXPIRES_WITHIN_DAYS = 14;
/** Percentage of a limit from which it is named. */
const NEAR_PERCENT = 80;
/** Most keys that are named; the list of keys shows all. */
const KEYS_MAX = 5;

/** The state of an account that {@link findAttention} judges. */
export interface AccountState {
  now: Date;
  status: UserStatus;
  plan: string;
  dates: LifecycleDates | undefined;
  calls: { used: number; limit: number; percent: number; resets_at: string };
  storage: { used: number; limit: number; percent: number };
  memberships: readonly MembershipRow[];
  keys: readonly KeyRow[];
  webhooks: readonly WebhookRow[];
  embedding: { pending: number; failed: number; oldestSeconds: number };
}

/** Time for which a webhook must fail to be named: a restart of a receiver takes less. */
const FAILING_MS = 60_000;

/** A new memory that waits longer for its vectors is named. */
const INDEX_LAG_SECONDS = 120;

/** Lists what needs attention, the most severe first. */
export function findAttention(state: AccountState): Attention[] {
  const all = [
    ...ofAccount(state),
    ...ofPayments(state),
    ...ofLimits(state),
    ...ofKeys(state),
    ...ofWebhooks(state),
    ...ofIndex(state),
  ];
  const order = ['critical', 'warning', 'info'];
  return all.toSorted((a, b) => order.indexOf(a.severity) - order.indexOf(b.severity));
}

function ofAccount({ status, dates, memberships }: AccountState): Attention[] {
  const on = dates?.purge_at ? ` on ${day(dates.purge_at)}` : '';
  if (status === 'closing') {
    return [
      {
        kind: 'account_closing',
        severity: 'critical',
        message: `This account is being deleted. All its data is erased${on}; until then you can export it or keep the account.`,
        link: { label: 'Keep or export', href: '/app/account' },
      },
    ];
  }
  if (status !== 'read_only') return [];
  const manage = manageUrl(memberships);
  return [
    {
      kind: 'read_only',
      severity: 'critical',
      message: `Your plan has ended and the account is read-only. All its data is erased${on} unless you renew the plan.`,
      link: manage ? { label: 'Renew the plan', href: manage } : { label: 'See the plans', href: '/app/account' },
    },
  ];
}

function ofPayments({ memberships, now }: AccountState): Attention[] {
  return memberships.flatMap<Attention>((membership) => {
    const { status, tier, manage_url, cancel_at_period_end, period_end } = membership;
    const link = manage_url === null ? null : { label: 'Manage at Whop', href: manage_url };
    if (status === 'past_due') {
      const message = `The last payment for the ${tier} plan failed. Check the payment method, or the plan ends.`;
      return [{ kind: 'payment_failed', severity: 'critical', message, link }];
    }
    if (!grantsAccess(status) || !cancel_at_period_end || !period_end || period_end < now) return [];
    const message = `The ${tier} plan is canceled and ends on ${day(period_end)}. Then the account becomes read-only.`;
    return [{ kind: 'plan_ends', severity: 'warning', message, link }];
  });
}

function ofLimits({ calls, storage, plan }: AccountState): Attention[] {
  const found: Attention[] = [];
  const link = { label: 'See usage', href: '/app/usage' };
  if (calls.percent >= NEAR_PERCENT) {
    const isOver = calls.used >= calls.limit;
    const at = calls.resets_at.slice(11, 16);
    found.push({
      kind: 'calls_limit',
      severity: isOver ? 'critical' : 'warning',
      message: isOver
        ? `All ${count(calls.limit)} calls of today are used. Calls are rejected until ${at} UTC.`
        : `${count(calls.used)} of the ${count(calls.limit)} calls of today are used. At the limit, calls are rejected until ${at} UTC.`,
      link,
    });
  }
  if (storage.percent >= NEAR_PERCENT) {
    // A memory that does not fit is rejected, so storage rarely reaches exactly its limit.
    const isFull = storage.percent >= 99;
    found.push({
      kind: 'storage_limit',
      severity: isFull ? 'critical' : 'warning',
      message: isFull
        ? `The storage of the ${plan} plan is full. New memories are rejected: delete some for good, or change to a larger plan.`
        : `${Math.floor(storage.percent)} % of the storage of the ${plan} plan is used.`,
      link,
    });
  }
  return found;
}

function ofKeys({ keys, now }: AccountState): Attention[] {
  const until = new Date(now.getTime() + EXPIRES_WITHIN_DAYS * DAY_MS);
  return keys
    .filter(({ revoked_at, expires_at }) => !revoked_at && expires_at && expires_at > now && expires_at <= until)
    .toSorted((a, b) => Number(a.expires_at) - Number(b.expires_at))
    .slice(0, KEYS_MAX)
    .map(({ id, name, expires_at }) => ({
      kind: 'key_expires',
      severity: 'warning',
      message: `The key "${name}" expires on ${day(expires_at as Date)}. Clients that use it stop working then.`,
      link: { label: 'Extend or rotate', href: `/app/keys?key=${id}` },
    }));
}

/** Names webhooks that fail for a while, and those that were not disabled by their owner. */
function ofWebhooks({ webhooks, now }: AccountState): Attention[] {
  return webhooks.flatMap<Attention>(({ id, url, status, disabled_reason: reason, failing_since: failing }) => {
    const { host } = new URL(url);
    const link = { label: 'See its deliveries', href: `/app/webhooks/${id}` };
    const named = { kind: 'webhook_failing', link } as const;
    if (status === 'disabled' && reason !== 'owner' && reason !== 'plan') {
      const message = `The webhook to ${host} is disabled, because its deliveries failed. It misses every new event.`;
      return [{ ...named, severity: 'critical', message }];
    }
    if (status === 'disabled' || !failing || now.getTime() - failing.getTime() < FAILING_MS) return [];
    const message = `Deliveries to the webhook at ${host} fail. They are tried again for three days.`;
    return [{ ...named, severity: 'warning', message }];
  });
}

function ofIndex({ embedding: { pending, failed, oldestSeconds } }: AccountState): Attention[] {
  const found: Attention[] = [];
  if (pending > 0 && oldestSeconds > INDEX_LAG_SECONDS) {
    found.push({
      kind: 'index_behind',
      severity: 'info',
      message: `${memories(pending)} not yet indexed by meaning. Until then they are found by their words.`,
      link: null,
    });
  }
  if (failed > 0) {
    found.push({
      kind: 'not_indexed',
      severity: 'warning',
      message: `${memories(failed)} not found by meaning, because embedding failed. An edit tries again.`,
      link: { label: 'See memories', href: '/app/memories' },
    });
  }
  return found;
}

function memories(number: number): string {
  return number === 1 ? '1 memory is' : `${count(number)} memories are`;
}

function manageUrl(memberships: readonly MembershipRow[]): string | null {
  return memberships.findLast(({ manage_url }) => manage_url)?.manage_url ?? null;
}

function day(moment: Date): string {
  return moment.toLocaleDateString('en-US', { dateStyle: 'long', timeZone: 'UTC' });
}

function count(number: number): string {
  return number.toLocaleString('en-US');
}
