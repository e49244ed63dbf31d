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
  /** Returns all metrics in Prometheus's text format, with its media type. */
  text(): Promise<{ type: string; body: string }>;
}

/** Which limit a request exceeded: calls a minute, calls a day, or calls without a valid key by client IP. */
export type RateLimit = 'minute' | 'day' | 'ip';

const DURATION_BUCKETS_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** @param isLimiterDegraded whether this node counts alone because Redis is unavailable */
export function createMetrics(isLimiterDegraded: () => boolean): Metrics {
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
  return {
    requestFinished({ operation, transport, status, seconds }) {
      requests.inc({ operation, transport, status });
      durations.observe({ operation, transport }, seconds);
    },
    rateLimitHit: (limit) => rateLimitHits.inc({ limit }),
    webhookRejected: () => rejectedWebhooks.inc(),
    repaired: (field) => repairs.inc({ field }),
    text: async () => ({ type: registry.contentType, body: await registry.metrics() }),
  };
}
