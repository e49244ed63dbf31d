import { randomBytes } from 'node:crypto';

/** A person with a Whop account. */
export interface Person {
  id: string;
  name: string;
  email: string | null;
}

/** A membership as Whop stores it. How it is serialized depends on the {@link Shape}. */
export interface Membership {
  id: string;
  status: string;
  /** Null once the person's Whop account is gone. */
  person: Person | null;
  planId: string;
  planMetadata: Record<string, unknown> | null;
  productId: string;
  cancelAtPeriodEnd: boolean;
  canceledAt: Date | null;
  periodStart: Date;
  periodEnd: Date | null;
  licenseKey: string | null;
  createdAt: Date;
  updatedAt: Date;
}

export interface Payment {
  id: string;
  status: 'paid' | 'failed';
  membership: Membership;
  refunded: number;
  total: number;
  createdAt: Date;
}

export const COMPANY = { id: 'biz_test', title: 'WhiteMagic' };

/** Generates an id in Whop's format, such as `mem_…`. */
export function whopId(prefix: string): string {
  return `${prefix}_${randomBytes(7).toString('hex')}`;
}

let last = 0;

/** Returns the current time, at least 1 ms later than the previous call, so that changes within one millisecond keep their order. */
export function nextTimestamp(): Date {
  last = Math.max(Date.now(), last + 1);
  return new Date(last);
}
