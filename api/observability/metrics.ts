import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

/** What a node counts of itself, for Prometheus. No label ever holds what a tenant wrote. */
export interface Metrics {
  /** A metered call was answered. */
  called(call: { operation: string; transport: string; status: number; seconds: number }): void;
  /** A webhook without a good signature came. */
  webhookRefused(): void;
  /** An account differed from Whop, in its plan, its status or a membership's, and was healed. */
  healed(what: string): void;
  /** Everything in Prometheus's text format, and the media type of that. */
  text(): Promise<{ type: string; body: string }>;
}

const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** @param isLimiterDegraded whether this node limits for itself because Redis is away */
export function createMetrics(isLimiterDegraded: () => boolean): Metrics {
  const registers = [new Registry()] as [Registry];
  const [registry] = registers;
  collectDefaultMetrics({ register: registry });
  const calls = new Counter({
    name: 'whitemagic_calls_total',
    help: 'Metered calls that were answered.',
    labelNames: ['operation', 'transport', 'status'],
    registers,
  });
  const durations = new Histogram({
    name: 'whitemagic_call_duration_seconds',
    help: 'From the gates to the answer.',
    labelNames: ['operation', 'transport'],
    buckets: SECONDS,
    registers,
  });
  const refused = new Counter({
    name: 'whitemagic_webhooks_refused_total',
    help: 'Webhooks without a good signature.',
    registers,
  });
  const healed = new Counter({
    name: 'whitemagic_reconciliation_differences_total',
    help: 'Accounts that differed from Whop and were healed.',
    labelNames: ['what'],
    registers,
  });
  new Gauge({
    name: 'whitemagic_limiter_degraded',
    help: '1 while this node limits for itself because Redis is away.',
    registers,
    collect() {
      this.set(isLimiterDegraded() ? 1 : 0);
    },
  });
  return {
    called({ operation, transport, status, seconds }) {
      calls.inc({ operation, transport, status });
      durations.observe({ operation, transport }, seconds);
    },
    webhookRefused: () => refused.inc(),
    healed: (what) => healed.inc({ what }),
    text: async () => ({ type: registry.contentType, body: await registry.metrics() }),
  };
}
