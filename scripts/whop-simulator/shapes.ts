import { createHmac } from 'node:crypto';
import { COMPANY, type Membership, type Payment } from './people.ts';

/**
 * Serialization formats of Whop: `v1` (its API, and webhooks without a pinned version), `dated` (webhooks pinned to a
 * version), `v5` (earlier webhooks), `sketch` (the format of this service's first plan).
 */
export type Shape = 'v1' | 'dated' | 'v5' | 'sketch';

/** An event, independent of its format. */
export interface WhopEvent {
  /** `msg_…`, the same for every delivery of the event. */
  id: string;
  type: string;
  /** Snapshot of the objects at the time of the event. */
  subject: { membership: Membership; payment?: Payment; refund?: { id: string; amount: number } };
  at: Date;
}

const seconds = (date: Date | null) => date && Math.floor(date.getTime() / 1000);

/** Serializes a membership. */
export function serializeMembership(shape: Shape, membership: Membership): Record<string, unknown> {
  const { person, planId, productId, periodStart, periodEnd, createdAt, updatedAt, canceledAt } = membership;
  const common = {
    id: membership.id,
    status: membership.status,
    cancel_at_period_end: membership.cancelAtPeriodEnd,
    license_key: membership.licenseKey,
    manage_url: `https://whop.com/billing/manage/${membership.id}`,
    metadata: {},
  };
  switch (shape) {
    case 'v1':
      return {
        ...common,
        created_at: createdAt,
        updated_at: updatedAt,
        canceled_at: canceledAt,
        renewal_period_start: periodStart,
        renewal_period_end: periodEnd,
        payment_collection_paused: false,
        company: COMPANY,
        plan: { id: planId, metadata: membership.planMetadata },
        product: { id: productId, title: 'WhiteMagic', metadata: {} },
        member: { id: `mber_${membership.id}` },
        user: person && { id: person.id, email: person.email, name: person.name, username: person.name },
      };
    case 'dated':
      return {
        ...common,
        created_at: createdAt,
        updated_at: updatedAt,
        canceled_at: canceledAt,
        current_period_start: periodStart,
        current_period_end: periodEnd,
        account_id: COMPANY.id,
        plan_id: planId,
        product_id: productId,
        user_id: person?.id ?? null,
      };
    case 'v5':
      return {
        ...common,
        valid: ['active', 'trialing', 'completed', 'past_due'].includes(membership.status),
        created_at: seconds(createdAt),
        renewal_period_start: seconds(periodStart),
        renewal_period_end: seconds(periodEnd),
        plan: planId,
        product: productId,
        user: person?.id ?? null,
        email: person?.email ?? null,
      };
    case 'sketch':
      return { membership_id: membership.id, user_id: person?.id ?? null, email: person?.email, plan: planId };
  }
}

/** Serializes a payment. */
export function serializePayment(
  shape: Shape,
  { id, status, membership, total, createdAt }: Payment,
): Record<string, unknown> {
  const { person } = membership;
  const common = { id, status, total, created_at: createdAt };
  if (shape === 'dated') {
    return {
      ...common,
      user_id: person?.id ?? null,
      membership_id: membership.id,
      customer_email: person?.email ?? null,
    };
  }
  return {
    ...common,
    user: person && { id: person.id, email: person.email, name: person.name, username: person.name },
    membership: { id: membership.id, status: membership.status },
  };
}

const V5_NAMES: Record<string, string> = {
  'membership.activated': 'membership.went_valid',
  'membership.deactivated': 'membership.went_invalid',
  'membership.updated': 'membership.metadata_updated',
};
const SKETCH_NAMES: Record<string, string> = {
  'membership.activated': 'membership:created',
  'membership.deactivated': 'membership:cancelled',
};

/** Serializes the body of a webhook. */
export function serializeBody(event: WhopEvent, shape: Shape): string {
  const { membership, payment, refund } = event.subject;
  const dataShape = payment && shape !== 'dated' ? 'v1' : shape;
  const data = refund
    ? {
        id: refund.id,
        amount: refund.amount,
        status: 'succeeded',
        payment: payment && serializePayment(dataShape, payment),
      }
    : payment
      ? serializePayment(dataShape, payment)
      : serializeMembership(shape, membership);
  if (shape === 'v5') return JSON.stringify({ api_version: 'v5', action: V5_NAMES[event.type] ?? event.type, data });
  if (shape === 'sketch')
    return JSON.stringify({ event: SKETCH_NAMES[event.type] ?? event.type.replace('.', ':'), data });
  return JSON.stringify({
    id: event.id,
    type: event.type,
    api_version: 'v1',
    api_version_date: shape === 'dated' ? '2026-08-01' : null,
    timestamp: event.at,
    [shape === 'dated' ? 'account_id' : 'company_id']: COMPANY.id,
    data,
  });
}

/** Returns the headers that sign a body. `at` is the time of the delivery. */
export function signatureHeaders(
  { id, body, shape }: { id: string; body: string; shape: Shape },
  secret: string,
  at = new Date(),
): Record<string, string> {
  const t = Math.floor(at.getTime() / 1000);
  const hmac = (text: string, encoding: 'base64' | 'hex') => createHmac('sha256', secret).update(text).digest(encoding);
  switch (shape) {
    case 'v5':
      return { 'X-Whop-Signature': `t=${t},v1=${hmac(`${t}.${body}`, 'hex')}` };
    case 'sketch':
      return { 'X-Whop-Signature': hmac(body, 'hex') };
    default:
      return {
        'webhook-id': id,
        'webhook-timestamp': String(t),
        'webhook-signature': `v1,${hmac(`${id}.${t}.${body}`, 'base64')}`,
      };
  }
}
