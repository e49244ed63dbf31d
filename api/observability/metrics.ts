import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

/** Prometheus metrics of one node. No label ever contains text that a tenant wrote. */
export interface Metrics {
  /** Counts a metered request and its duration. */
  requestFinished(request: { operation: string; transport: string; status: number; seconds: number }): void;
  /** Counts a request that a rate limit rejected. */
  rateLimitHit(limit: RateLimit): void;
  /** Counts a webhook that was rejected for its signature. */
  webhookRejected(): void;
  /** Counts an account that differed from Whop and was repaired. `field`: `plan`, `status` or `membership`. */
  repaired(field: string): void;
  /** Counts a memory that cannot be embedded. `reason`: `rejected`, `encoder_stopped` or `not_stored`. */
  embeddingFailed(reason: string): void;
  /** Returns all metrics in Prometheus's text format, with its media type. */
  text(): Promise<{ type: string; body: string }>;
}

/** Which limit a request exceeded: calls a minute, calls a day, or calls without a valid key by client IP. */
export type RateLimit = 'minute' | 'day' | 'ip';

const DURATION_BUCKETS_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** The memories of all tenants that wait for their vectors. */
interface Backlog {
  /** Newly written ones. */
  waiting: number;
  /** Those to embed again after a change of model. */
  reembedding: number;
  /** Seconds that the oldest newly written one has waited. */
  oldestSeconds: number;
}

/**
 * Creates the metrics of a node.
 * @param isLimiterDegraded whether this node counts alone because Redis is unavailable
 * @param readBacklog measures the backlog of embedding; not given where nothing is embedded
 */
export function createMetrics(isLimiterDegraded: () => boolean, readBacklog?: () => Promise<Backlog>): Metrics {
  const registers = [new Registry()] as [Registry];
  const [registry] = registers;
  collectDefaultMetrics({ register: registry });
  const requests = new Counter({
    name: 'whitemagic_requests_total',
    help: 'Metered requests.',
    labelNames: ['operation', 'transport', 'status'],
    registers,
  });
  const durations = new Histogram({
    name: 'whitemagic_request_duration_seconds',
    help: 'Time that a metered request spends in the pipeline.',
    labelNames: ['operation', 'transport'],
    buckets: DURATION_BUCKETS_SECONDS,
    registers,
  });
  const rateLimitHits = new Counter({
    name: 'whitemagic_rate_limit_hits_total',
    help: 'Requests rejected by a rate limit.',
    labelNames: ['limit'],
    registers,
  });
  const rejectedWebhooks = new Counter({
    name: 'whitemagic_webhooks_rejected_total',
    help: 'Webhooks rejected for a missing or invalid signature.',
    registers,
  });
  const repairs = new Counter({
    name: 'whitemagic_billing_repairs_total',
    help: 'Accounts that differed from Whop and were repaired.',
    labelNames: ['field'],
    registers,
  });
  new Gauge({
    name: 'whitemagic_rate_limiter_degraded',
    help: '1 while Redis is unavailable and this node counts alone.',
    registers,
    collect() {
      this.set(isLimiterDegraded() ? 1 : 0);
    },
  });
  const failedEmbeddings = new Counter({
    name: 'whitemagic_embedding_failures_total',
    help: 'Memories that cannot be embedded, after the last attempt.',
    labelNames: ['reason'],
    registers,
  });
  if (readBacklog) addBacklogGauges(registers, readBacklog);
  return {
    requestFinished({ operation, transport, status, seconds }) {
      requests.inc({ operation, transport, status });
      durations.observe({ operation, transport }, seconds);
    },
    rateLimitHit: (limit) => rateLimitHits.inc({ limit }),
    webhookRejected: () => rejectedWebhooks.inc(),
    repaired: (field) => repairs.inc({ field }),
    embeddingFailed: (reason) => failedEmbeddings.inc({ reason }),
    text: async () => ({ type: registry.contentType, body: await registry.metrics() }),
  };
}

function addBacklogGauges(registers: [Registry], readBacklog: () => Promise<Backlog>): void {
  // The last measurement stays while the database is not available.
  new Gauge({
    name: 'whitemagic_embedding_backlog',
    help: 'Memories of all accounts that wait for their vectors, counted up to 100,000 of each kind.',
    labelNames: ['kind'],
    registers,
    async collect() {
      const backlog = await readBacklog().catch(() => undefined);
      if (!backlog) return;
      this.set({ kind: 'written' }, backlog.waiting);
      this.set({ kind: 'reembedding' }, backlog.reembedding);
    },
  });
  new Gauge({
    name: 'whitemagic_embedding_lag_seconds',
    help: 'Time that the oldest newly written memory has waited for its vectors.',
    registers,
    async collect() {
      const backlog = await readBacklog().catch(() => undefined);
      if (backlog) this.set(backlog.oldestSeconds);
    },
  });
}
