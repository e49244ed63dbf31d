import type { Database } from '../../db/client/database.ts';
import type { Billing } from '../billing/billing.ts';
import type { Embedders } from '../embeddings/embedder.ts';
import type { SecretScanning } from '../keys/secret-scanning.ts';
import type { IpRateLimiter } from '../limits/ip-rate-limiter.ts';
import type { Limiter } from '../limits/local-limiter.ts';
import type { RequestQueue } from '../limits/request-queue.ts';
import type { OAuthServer } from '../oauth/consent.ts';
import type { FaultContext } from '../observability/fault-reports.ts';
import type { Metrics } from '../observability/metrics.ts';
import type { OutgoingPolicy } from '../outgoing/send-request.ts';
import type { ClientNames } from '../usage/client-names.ts';
import type { Recorder } from '../usage/event-recorder.ts';
import type { DomainEvent } from './domain-events.ts';
import type { KeyCache } from './key-cache.ts';
import type { KeyCheckQueue } from './key-check-queue.ts';
import type { GroupConcurrent } from './write-groups.ts';

/** The services that the pipeline uses, composed once in the entry point of the process. */
export interface PipelineDependencies {
  database: Database;
  limiter: Limiter;
  /** Bounds the requests that are executed at once. */
  requestQueue: RequestQueue;
  /** Groups the writes of an account that arrive while others of them run. */
  groupWrites: GroupConcurrent;
  /** Verifies the signatures of GitHub's secret scanning. */
  secretScanning: SecretScanning;
  /** Limits requests without a valid key by client IP. */
  ipLimiter: IpRateLimiter;
  keys: KeyCache;
  clients: ClientNames;
  /** Checks keys whose client IP has used up its limit. */
  keyCheckQueue: KeyCheckQueue;
  recorder: Recorder;
  metrics: Metrics;
  now: () => Date;
  newId: () => string;
  keyEnvironment: string;
  /** Where URLs of customers may lead. */
  outgoing: OutgoingPolicy;
  /** Returns the public URL, which is known only once the service listens. */
  publicUrl: () => string;
  embedders: Embedders;
  /** Undefined where no app can connect by OAuth. */
  oauth?: OAuthServer | undefined;
  /** Undefined where nothing is sold. */
  billing?: Billing | undefined;
  /** Called after each committed write to memories, to start background work. */
  onMemoriesWritten?: (() => void) | undefined;
  /** Called with what each successful call did. */
  onDomainEvent: (event: DomainEvent) => void;
  /** Called with the cause of each 5xx response, and of work beside a request that failed. */
  onFault: (error: unknown, context: FaultContext) => void;
  /** True outside production: a call whose status or error code is undeclared fails with a {@link ContractViolation}. */
  enforceContracts: boolean;
}
