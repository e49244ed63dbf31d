import type { Sql } from '../db/client/sql.ts';
import type { PlanName, UserStatus } from '../db/queries/accounts/users.ts';
import type { Transport } from '../db/queries/usage/events.ts';
import type { Scope } from './contracts/operation.ts';
import type { PlanLimits } from './limits/plans.ts';

/** The authenticated caller: user, key or session, scopes, limits and transport. Every domain function receives one. */
export interface Caller {
  userId: string;
  /** Null for a signed-in browser. */
  keyId: string | null;
  /** The signed-in browser's session, whose transport is `dashboard`; null for a key. */
  sessionId: string | null;
  scopes: readonly Scope[];
  plan: PlanName;
  status: UserStatus;
  /** The plan's limits with the user's overrides. */
  limits: PlanLimits;
  /** Limit of this key, below the plan's; null for none and for a session. */
  keyRequestsPerMinute: number | null;
  transport: Transport;
  /** Whether this is a session of an operator's account, which may call the operator's operations. False for a key. */
  isOperator: boolean;
  /** The projects that the key is bound to, "none" for the memories of no project; null: all. */
  projects: readonly string[] | null;
  /** Cancels the statements of the call: all when the caller asks for that, reads when the connection is closed. */
  signal?: AbortSignal;
  /** Default project of the connection. */
  project?: string;
}

/** The argument of every domain function: statements of the tenant, the clock and new ids. */
export interface RequestContext {
  /**
   * Runs statements as the tenant, or for an operator's operation as the database owner. For a write it is the transaction that also meters the request; for a read, statements issued
   * together run concurrently.
   */
  sql: Sql;
  /** The current time, in milliseconds. */
  now: () => Date;
  /** Returns a new UUIDv7. */
  newId: () => string;
}
