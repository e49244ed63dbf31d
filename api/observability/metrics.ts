import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { addServiceGauges, type PoolState, type ServiceState } from './service-metrics.ts';

/** Prometheus metrics of one node. No label ever contains text that a tenant wrote. */
export interface Metrics {
  /** Counts a metered request and its duration. */
  requestFinished(request: { operation: string; transport: string; status: number; seconds: number }): void;
  /** Counts a request that a rate limit rejected. */
  rateLimitHit(limit: RateLimit): void;
  /** Counts an HTTP request of any kind, whether it has a key or not. */
  httpFinished(request: { area: HttpArea; status: number }): void;
  /** Counts memories that were stored. */
  memoriesStored(type: string, count: number): void;
  /** Counts a sign-in in a browser. `method`: `whop` or `link`. */
  signedIn(method: string): void;
  /** Counts a start of the encoder's process after it had ended. */
  encoderRestarted(): void;
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

/** The kind of a path. */
export type HttpArea = 'api' | 'mcp' | 'webhooks' | 'auth' | 'dashboard' | 'docs' | 'pages';

const DURATION_BUCKETS_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** The memories of all tenants that wait for their vectors. */
interface Backlog {
  /** Newly written ones. */
  waiting: number;
  /** Those to embed again after a change of model, or of the memories before them in a session. */
  reembedding: number;
  /** Seconds that the oldest newly written one has waited. */
  oldestSeconds: number;
}

interface MetricsOptions {
  /** Returns whether this node counts alone because Redis is unavailable. Not given where nothing is counted. */
  isLimiterDegraded?: () => boolean;
  /** Measures the backlog of embedding. Not given where nothing is embedded. */
  readBacklog?: (() => Promise<Backlog>) | undefined;
  /** Measures the state of the service and of the connections to its database. */
  service?: { readState: () => Promise<ServiceState>; readPools: () => PoolState[] };
}

/** Creates the metrics of a process. */
export function createMetrics({ isLimiterDegraded, readBacklog, service }: MetricsOptions = {}): Metrics {
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
  if (isLimiterDegraded) {
    new Gauge({
      name: 'whitemagic_rate_limiter_degraded',
      help: '1 while Redis is unavailable and this node counts alone.',
      registers,
      collect() {
        this.set(isLimiterDegraded() ? 1 : 0);
      },
    });
  }
  const http = new Counter({
    name: 'whitemagic_http_requests_total',
    help: 'HTTP requests by the kind of their path and by status, metered or not.',
    labelNames: ['area', 'status'],
    registers,
  });
  const memories = new Counter({
    name: 'whitemagic_memories_total',
    help: 'Memories that were stored.',
    labelNames: ['type'],
    registers,
  });
  for (const type of ['short_term', 'long_term']) memories.inc({ type }, 0);
  const signIns = new Counter({
    name: 'whitemagic_sign_ins_total',
    help: 'Sign-ins in a browser.',
    labelNames: ['method'],
    registers,
  });
  const encoderRestarts = new Counter({
    name: 'whitemagic_encoder_restarts_total',
    help: "Starts of the encoder's process after it had ended.",
    registers,
  });
  const failedEmbeddings = new Counter({
    name: 'whitemagic_embedding_failures_total',
    help: 'Memories that cannot be embedded, after the last attempt.',
    labelNames: ['reason'],
    registers,
  });
  if (readBacklog) addBacklogGauges(registers, readBacklog);
  if (service) addServiceGauges(registers, service);
  return {
    requestFinished({ operation, transport, status, seconds }) {
      requests.inc({ operation, transport, status });
      durations.observe({ operation, transport }, seconds);
    },
    httpFinished: ({ area, status }) => http.inc({ area, status }),
    memoriesStored: (type, count) => memories.inc({ type }, count),
    signedIn: (method) => signIns.inc({ method }),
    encoderRestarted: () => encoderRestarts.inc(),
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
