import { listKeys } from '../../db/queries/accounts/api-keys.ts';
import type { PlanName } from '../../db/queries/accounts/users.ts';
import {
  type CustomerRow,
  insertCustomer,
  lockCustomer,
  updateCustomerEmail,
  updateWelcomed,
} from '../../db/queries/billing/customers.ts';
import { audit } from '../audit.ts';
import type { RequestContext } from '../context.ts';
import { activationUrl, issueActivationLink } from '../keys/activation-links.ts';
import { mailOwner } from '../mail/enqueue.ts';

/** The actor in the audit log. */
export const ACTOR = 'whop';

export type BillingContext = Pick<RequestContext, 'sql' | 'now' | 'newId'>;

/**
 * Returns the account of a Whop user, locked until the transaction ends, and creates it if there is none. Of several concurrent
 * attempts exactly one creates it.
 */
export async function provision(
  context: BillingContext,
  wanted: { whopUserId: string; email: string | null; plan: PlanName },
): Promise<{ customer: CustomerRow; isNew: boolean }> {
  const { sql, now } = context;
  const row = { id: context.newId(), whop_user_id: wanted.whopUserId, email: wanted.email, plan: wanted.plan };
  const isNew = await insertCustomer(sql, { ...row, created_at: now() });
  if (isNew) await audit(context, row.id, { actor: ACTOR, action: 'users.create', details: { plan: wanted.plan } });
  const customer = await lockCustomer(sql, wanted.whopUserId);
  if (!customer) throw new Error('the account was deleted while it was being created');
  return { customer, isNew };
}

/** Stores the e-mail address that Whop has of a customer and returns the updated customer. */
export async function updateEmail(
  context: BillingContext,
  customer: CustomerRow,
  email: string | null,
): Promise<CustomerRow> {
  if (!email || email === customer.email) return customer;
  await updateCustomerEmail(context.sql, customer.id, email, context.now());
  return { ...customer, email };
}

/**
 * E-mails a customer the activation link for the first key: once, as soon as the address is known, and not if the account has a
 * key already. Returns whether an e-mail was enqueued.
 */
export async function sendWelcome(
  context: BillingContext,
  customer: CustomerRow,
  { plan, publicUrl }: { plan: PlanName; publicUrl: string },
): Promise<boolean> {
  if (customer.welcomed_at || !customer.email) return false;
  await updateWelcomed(context.sql, customer.id, context.now());
  if ((await listKeys(context.sql, customer.id)).length > 0) return false;
  const { token, expiresAt } = await issueActivationLink(context, customer.id);
  await mailOwner(context, customer, 'welcome', {
    claim_url: activationUrl(publicUrl, token),
    plan,
    expires_at: expiresAt.toISOString(),
  });
  return true;
}
