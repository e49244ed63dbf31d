import { z } from 'zod';

/*
 * Normalizes Whop's payloads of all versions. v1 refers to things by objects (`user: {id, email}`), or, where
 * the webhook is pinned to a date, by ids (`user_id`); v5 by ids without a suffix (`user: "user_…"`) and unix times.
 */

/** A membership in Whop's terms, whatever the version of the payload. */
export interface WhopMembership {
  id: string;
  status: string;
  /** Null when the Whop account was deleted. */
  userId: string | null;
  email: string | null;
  planId: string | null;
  productId: string | null;
  /** `metadata.tier` of the plan. */
  planTier: string | null;
  periodEnd: Date | null;
  cancelAtPeriodEnd: boolean;
  manageUrl: string | null;
  licenseKey: string | null;
  changedAt: Date | null;
}

/** A webhook's event. */
export interface WebhookEvent {
  /** The event's name with dots: `membership.activated`. */
  type: string;
  /** Whether the event can change what a customer has bought. */
  isRelevant: boolean;
  membershipId: string | undefined;
  paymentId: string | undefined;
  userId: string | undefined;
  /** The customer's e-mail address, if the event contains one. */
  email: string | undefined;
  /** The membership itself, if the event contains it whole. */
  membership: WhopMembership | undefined;
}

const fields = z.record(z.string(), z.unknown());
type Fields = z.output<typeof fields>;

const envelope = z.object({
  type: z.string().optional(),
  action: z.string().optional(),
  event: z.string().optional(),
  timestamp: z.unknown().optional(),
  data: fields,
});

const RELEVANT_EVENTS = /^(membership|payment|refund|dispute)\./;
const END_OF_TIME = Date.UTC(10_000, 0);
/** Longest e-mail address by RFC 5321. */
const EMAIL_LENGTH_MAX = 254;

/** Parses the payload of a webhook; undefined when it has no event type or no data. */
export function parseWebhookEvent(payload: unknown): WebhookEvent | undefined {
  const parsed = envelope.safeParse(payload);
  const { type: v1, action, event, timestamp, data } = parsed.data ?? {};
  const name = v1 ?? action ?? event;
  if (!data || !name) return undefined;
  // v2 wrote `membership_went_valid`, the first plan of this service `membership:created`.
  const type = name.replace(/^([a-z]+)[_:]/, '$1.');
  const about = type.split('.')[0];
  const payment = objectAt(data, 'payment');
  const membershipId =
    idAt(data, 'membership') ??
    (payment && idAt(payment, 'membership')) ??
    (about === 'membership' && textAt(data, 'id'));
  const paymentId = idAt(data, 'payment') ?? (about === 'payment' && textAt(data, 'id'));
  const found = {
    membershipId: membershipId || undefined,
    paymentId: paymentId || undefined,
    userId: idAt(data, 'user') ?? (payment && idAt(payment, 'user')) ?? undefined,
  };
  return {
    type,
    ...found,
    isRelevant: RELEVANT_EVENTS.test(type) && Boolean(found.membershipId ?? found.paymentId),
    email: textAt(data, 'customer_email') ?? emailOf(data) ?? (payment && emailOf(payment)) ?? undefined,
    membership: about === 'membership' ? parseMembership(data, parseInstant(timestamp)) : undefined,
  };
}

/** Parses a membership of Whop's API or of a webhook's `data`; undefined when it has no id or no status. */
export function parseMembership(given: unknown, eventAt: Date | null = null): WhopMembership | undefined {
  const data = fields.safeParse(given).data ?? {};
  const id = idAt(data, 'membership') ?? textAt(data, 'id');
  const status = textAt(data, 'status');
  if (!id || !status) return undefined;
  const plan = objectAt(data, 'plan');
  const metadata = plan && objectAt(plan, 'metadata');
  return {
    id,
    status,
    userId: idAt(data, 'user'),
    email: emailOf(data),
    planId: idAt(data, 'plan'),
    productId: idAt(data, 'product'),
    planTier: (metadata && textAt(metadata, 'tier')) ?? null,
    periodEnd: parseInstant(data.renewal_period_end ?? data.current_period_end ?? data.expires_at),
    cancelAtPeriodEnd: data.cancel_at_period_end === true,
    manageUrl: httpsUrl(textAt(data, 'manage_url')),
    licenseKey: textAt(data, 'license_key'),
    changedAt: parseInstant(data.updated_at) ?? eventAt,
  };
}

/** A payment: its user and membership. */
export interface WhopPayment {
  id: string;
  userId: string | null;
  membershipId: string | null;
  email: string | null;
}

/** Parses a payment of Whop's API; undefined when it has no id. */
export function parsePayment(given: unknown): WhopPayment | undefined {
  const data = fields.safeParse(given).data ?? {};
  const id = textAt(data, 'id');
  if (!id) return undefined;
  const email = textAt(data, 'customer_email') ?? emailOf(data);
  return { id, userId: idAt(data, 'user'), membershipId: idAt(data, 'membership'), email };
}

/** Reads an id in any of the versions' forms: `{user: {id}}`, `{user_id}` or `{user: "user_…"}`. */
function idAt(data: Fields, name: string): string | null {
  const object = objectAt(data, name);
  return (object && textAt(object, 'id')) ?? textAt(data, `${name}_id`) ?? textAt(data, name);
}

function emailOf(data: Fields): string | null {
  const user = objectAt(data, 'user');
  const email = (user && textAt(user, 'email')) ?? textAt(data, 'email');
  return email?.includes('@') && email.length <= EMAIL_LENGTH_MAX ? email : null;
}

function objectAt(data: Fields, name: string): Fields | undefined {
  return fields.safeParse(data[name]).data;
}

/** Reads a non-empty string that PostgreSQL can store. */
function textAt(data: Fields, name: string): string | null {
  const value = data[name];
  return typeof value === 'string' && value !== '' && value.isWellFormed() && !value.includes('\0') ? value : null;
}

/** Parses a time in ISO 8601 or unix seconds; null unless it is in the years 1970 to 9999. */
function parseInstant(value: unknown): Date | null {
  if (typeof value !== 'string' && typeof value !== 'number') return null;
  const at = typeof value === 'number' || /^\d+$/.test(value) ? new Date(Number(value) * 1000) : new Date(value);
  return at.getTime() >= 0 && at.getTime() < END_OF_TIME ? at : null;
}

/** Returns the URL if it may be used as a link in an e-mail. */
function httpsUrl(value: string | null): string | null {
  return value !== null && URL.canParse(value) && /^https?:$/.test(new URL(value).protocol) ? value : null;
}
