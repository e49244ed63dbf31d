import { Problem } from '../errors.ts';
import type { Billing } from './billing.ts';
import { syncMembership } from './membership.ts';
import { WhopError } from './whop-client.ts';

/**
 * Applies a purchase as soon as its customer returns from Whop's checkout, without waiting for the webhook. The payment id in the
 * URL is not trusted: Whop is asked whose payment it is and which membership it paid for.
 * @param customer the signed-in Whop user
 * @throws Problem `payment_account_mismatch`, `not_found`, `unavailable`
 */
export async function settlePurchase(
  billing: Billing,
  customer: { sub: string; email?: string | undefined },
  paymentId: string,
): Promise<void> {
  try {
    const payment = await billing.whop.payment(paymentId);
    if (payment.userId !== customer.sub) throw new Problem('payment_account_mismatch');
    if (payment.membershipId)
      await syncMembership(billing, payment.membershipId, { email: customer.email, inPerson: true });
  } catch (error) {
    if (!(error instanceof WhopError)) throw error;
    if (error.status === 404) throw new Problem('not_found', { detail: 'Whop has no such payment.' }, error);
    const detail = 'Your purchase cannot be checked with Whop at the moment. Reload this page in a minute.';
    throw new Problem('unavailable', { detail, headers: { 'Retry-After': '60' } }, error);
  }
}
