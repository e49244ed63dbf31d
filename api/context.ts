import type { Sql } from '../db/client/sql.ts';
import type { PlanName, UserStatus } from '../db/queries/accounts/users.ts';
import type { Transport } from '../db/queries/usage/events.ts';
import type { Scope } from './contracts/operation.ts';
import type { Embedder } from './embeddings/embedder.ts';
import type { PlanLimits } from './limits/plans.ts';

/** Who calls, by which transport, and what they may. Every domain function gets one. */
export interface Caller {
  userId: string;
  keyId: string;
  scopes: readonly Scope[];
  plan: PlanName;
  status: UserStatus;
  /** The plan's limits with the user's overrides. */
  limits: PlanLimits;
  /** A limit of the key's own, below the plan's. */
  keyRequestsPerMinute: number | null;
  transport: Transport;
  /** Default project of the connection. */
  project?: string;
}

/** What a domain function works with. */
export interface RequestContext {
  /** The tenant's: of a write, the transaction that also meters it; of a read, statements that run at once where they are asked at once. */
  sql: Sql;
  /** The time, to the millisecond. */
  now: () => Date;
  /** A new UUIDv7. */
  newId: () => string;
  /** Text to vectors, where there is such a thing. */
  embedder?: Embedder | undefined;
  /** Models before it of which there still are vectors. */
  formerEmbedders?: readonly Embedder[] | undefined;
}
