import { Problem } from '../errors.ts';
import type { Billing } from './billing.ts';
import { syncMembership } from './membership.ts';
import { WhopError } from './whop-client.ts';

/**
 * Makes the account fit a purchase whose customer comes straight from Whop's checkout, however late its webhook is. The address
 * that brought them only hints at a payment: whose it is, and what it bought, is asked of Whop.
 * @param customer who signed in
 * @throws Problem `payment_of_another`, `not_found`, `unavailable`
 */
export async function settlePurchase(
  billing: Billing,
  customer: { sub: string; email?: string | undefined },
  paymentId: string,
): Promise<void> {
  try {
    const payment = await billing.whop.payment(paymentId);
    if (payment.userId !== customer.sub) throw new Problem('payment_of_another');
    if (payment.membershipId)
      await syncMembership(billing, payment.membershipId, { email: customer.email, inPerson: true });
  } catch (error) {
    if (!(error instanceof WhopError)) throw error;
    if (error.status === 404) throw new Problem('not_found', { detail: 'Whop knows no such payment.' }, error);
    const detail = 'Whop cannot be asked about your purchase just now. Load this page again in a minute.';
    throw new Problem('unavailable', { detail, headers: { 'Retry-After': '60' } }, error);
  }
}
