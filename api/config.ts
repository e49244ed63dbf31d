import { z } from 'zod';
import type { PlanName } from '../db/queries/accounts/users.ts';
import { PLAN_NAMES } from './limits/plans.ts';
import type { LogDrainSettings } from './observability/log-drains.ts';

const port = z.coerce.number().int().min(0).max(65_535);
const url = (protocols: RegExp) => z.url({ protocol: protocols });
/** `Name: purpose; Name: purpose`. */
const subprocessors = z.string().transform((value, context) =>
  value
    .split(';')
    .filter((part) => part.trim() !== '')
    .flatMap((part) => {
      const [, name, purpose] = /^\s*([^:|]+?)\s*:\s*([^|]+?)\s*$/.exec(part) ?? [];
      if (name && purpose) return [{ name, purpose }];
      context.addIssue(`"${part.trim()}" must be "Name: purpose"`);
      return [];
    }),
);

const list = z.string().transform((value) =>
  value
    .split(',')
    .map((item) => item.trim())
    .filter(Boolean),
);

/** Parses `plan_or_product_id=tier,…` to a table. */
const tiers = list.transform((pairs, context) => {
  const table: Record<string, PlanName> = {};
  for (const pair of pairs) {
    const [id = '', name] = pair.split('=').map((part) => part.trim());
    const tier = PLAN_NAMES.find((known) => known === name);
    if (id && tier) table[id] = tier;
    else context.addIssue(`"${pair}" must be plan_or_product_id=${PLAN_NAMES.join('|')}`);
  }
  return table;
});

const jsonObject = z.string().transform((value, context): Record<string, unknown> => {
  try {
    const parsed: unknown = JSON.parse(value);
    if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)) return { ...parsed };
  } catch {
    // Reported below.
  }
  context.addIssue('must be a JSON object');
  return {};
});

/** Parses headers as OpenTelemetry writes them: `name=value`, the value percent-encoded. */
function toHeaders(pairs: readonly string[]): Record<string, string> {
  const parts = pairs.map(
    (pair) => [pair.slice(0, pair.indexOf('=')).trim(), pair.slice(pair.indexOf('=') + 1)] as const,
  );
  return Object.fromEntries(parts.map(([name, value]) => [name, decodeURIComponent(value.trim())]));
}

/** Time in which a balancer that probes `/ready` every two seconds stops sending requests to a node. */
const SHUTDOWN_GRACE_MS = 5_000;

/** All environment variables. An unset or empty one has its default; an invalid one prevents the start. */
const environment = z.object({
  /** Port and address on which the service listens. */
  PORT: port.default(8787),
  HOST: z.string().default('127.0.0.1'),
  /** Folder of the embedded database, the local account's key, and e-mails where no SMTP server is configured. */
  DATA_DIR: z.string().default('.data'),
  /** URL of a PostgreSQL >= 15. Default: an embedded PostgreSQL in DATA_DIR. */
  DATABASE_URL: url(/^postgres(ql)?$/).optional(),
  /** URL of the role that owns the tables, where DATABASE_URL is that of a role that does not. */
  DATABASE_OWNER_URL: url(/^postgres(ql)?$/).optional(),
  /** URL of the Redis that all nodes share for rate limits, or a comma-separated list of nodes of a Redis Cluster. Default: limits per process. */
  REDIS_URL: z
    .string()
    .refine(
      (value) => value.split(',').every((address) => url(/^rediss?$/).safeParse(address.trim()).success),
      'must be redis:// or rediss:// URLs',
    )
    .optional(),
  /** Number of nodes. While Redis is unavailable, each allows its share of the calls per minute. */
  EXPECTED_NODES: z.coerce.number().int().min(1).max(1_000).default(1),
  /** URL by which browsers and clients reach the service. */
  PUBLIC_URL: url(/^https?$/)
    .transform((value) => value.replace(/\/+$/, ''))
    .optional(),
  /** Origin of the OAuth server, for apps that cannot send a key. It needs a host name other than that of PUBLIC_URL. */
  OAUTH_PUBLIC_URL: url(/^https?$/)
    .transform((value) => value.replace(/\/+$/, ''))
    .refine((value) => new URL(value).pathname === '/', 'must have no path')
    .optional(),
  /** Port on which the OAuth server listens. Default: PORT + 1. */
  OAUTH_PORT: port.optional(),
  /** Comma-separated origins of web pages that may call the service, besides its own. */
  ALLOWED_ORIGINS: list.default([]),
  /** The `<env>` of new keys: `wm_<env>_…`. */
  WHITEMAGIC_ENV: z
    .string()
    .regex(/^[a-z][a-z0-9]{0,9}$/, 'one to ten lower-case letters and digits, a letter first')
    .optional(),
  /** Number of proxies in front of the service whose `X-Forwarded-For` is trusted. */
  TRUST_PROXY: z.coerce.number().int().min(0).max(10).default(0),
  /** smtp:// or smtps:// URL of the mail server. Default: e-mails are written to DATA_DIR/outbox. */
  SMTP_URL: url(/^smtps?$/).optional(),
  MAIL_FROM: z.string().default('WhiteMagic <noreply@localhost>'),
  /** `open`: a sign-in link creates a free account for an e-mail address without one. */
  SIGNUP: z.enum(['closed', 'open']).default('closed'),
  /** Name and postal address of the operator, for the legal texts. */
  OPERATOR: z.string().default('the operator of this service'),
  /** Contact address for support and custom plans. */
  SUPPORT_EMAIL: z.email().optional(),
  /** Sub-processors for the page that lists them, such as hosts: `Name: purpose; Name: purpose`. */
  SUBPROCESSORS: subprocessors.default([]),
  /** Key of a company or an app for Whop's API. Without one, billing is off. */
  WHOP_API_KEY: z.string().optional(),
  WHOP_API_URL: url(/^https?$/)
    .default('https://api.whop.com/api/v1')
    .transform((value) => value.replace(/\/+$/, '')),
  /** `biz_…`, where the key has access to several companies. */
  WHOP_COMPANY_ID: z.string().optional(),
  /** Comma-separated secrets of Whop's webhooks: the new one and the old one during a rotation. */
  WHOP_WEBHOOK_SECRET: list.default([]),
  /** Also accepts `X-Whop-Signature: <hex HMAC of the body>`, for test tools. Whop itself has never sent it. */
  WHOP_LEGACY_SIGNATURES: z.stringbool().default(false),
  /** Maps plans and products at Whop to plans of this service: `plan_x=pro,prod_y=starter`. */
  WHOP_PLANS: tiers.default({}),
  /** OAuth app for the sign-in with Whop. Without one, the sign-in is off. */
  WHOP_OAUTH_CLIENT_ID: z.string().optional(),
  WHOP_OAUTH_CLIENT_SECRET: z.string().optional(),
  WHOP_OAUTH_URL: url(/^https?$/)
    .default('https://api.whop.com/oauth')
    .transform((value) => value.replace(/\/+$/, '')),
  /** URL of the public keys with which GitHub signs reports of its secret scanning. */
  GITHUB_META_URL: url(/^https?$/).default('https://api.github.com/meta/public_keys/secret_scanning'),
  /** Source of vectors: the bundled model, an OpenAI-compatible endpoint, or none. */
  EMBEDDER: z.enum(['local', 'openai', 'none']).default('local'),
  /** Endpoint, key and model of `EMBEDDER=openai`. */
  EMBEDDINGS_URL: url(/^https?$/).optional(),
  EMBEDDINGS_API_KEY: z.string().optional(),
  EMBEDDINGS_MODEL: z.string().optional(),
  /** Length of the vectors, for models that offer several. */
  EMBEDDINGS_DIMENSIONS: z.coerce.number().int().min(8).max(16_000).optional(),
  /** Texts before queries and passages, and parameters of the requests for them, as JSON objects. */
  EMBEDDINGS_QUERY_PREFIX: z.string().optional(),
  EMBEDDINGS_PASSAGE_PREFIX: z.string().optional(),
  EMBEDDINGS_QUERY_PARAMETERS: jsonObject.optional(),
  EMBEDDINGS_PASSAGE_PARAMETERS: jsonObject.optional(),
  /** Maximum size of a request body, in bytes. */
  BODY_BYTES_MAX: z.coerce.number().int().min(1024).default(1_048_576),
  /** Days for which usage events are kept. Usage by the hour needs 31. Daily totals are kept permanently. */
  USAGE_RETENTION_DAYS: z.coerce.number().int().min(31).max(36_500).default(400),
  /** Allows webhooks and other URLs of customers to be `http://` and to lead to private addresses. */
  ALLOW_PRIVATE_URLS: z.stringbool().default(false),
  /** Milliseconds for which a stopping node serves as before while `/ready` is 503. Default: 5000 in production, else 0. */
  SHUTDOWN_GRACE_MS: z.coerce.number().int().min(0).max(10_000).optional(),
  /** `off` leaves background jobs to `whitemagic-server worker`. */
  JOBS: z.enum(['on', 'off']).default('on'),
  /** Folder, or `s3://bucket/prefix`, to which a daily backup is written. Without one, no backups are made. */
  BACKUP_TO: z.string().optional(),
  /** Public key (`age1…`) for which backups are encrypted. Without one, they are not encrypted. */
  BACKUP_RECIPIENT: z
    .string()
    .regex(/^age1[0-9a-z]{50,}$/, 'must be a public key that begins with age1')
    .optional(),
  /** Days for which backups are kept. The newest one is always kept. */
  BACKUP_KEEP_DAYS: z.coerce.number().int().min(1).max(3_650).default(30),
  /** Where `BACKUP_TO` is a bucket: URL of the S3-compatible service, region, and credentials. */
  AWS_ENDPOINT_URL: url(/^https?$/).optional(),
  AWS_REGION: z.string().default('us-east-1'),
  AWS_ACCESS_KEY_ID: z.string().default(''),
  AWS_SECRET_ACCESS_KEY: z.string().default(''),
  /** Bearer token for GET /metrics. Without one, the route does not exist. */
  METRICS_TOKEN: z.string().min(16).optional(),
  /** Port for `/metrics` and `/health` without a token, which only the monitoring may reach. Default: none. */
  METRICS_PORT: port.optional(),
  /** Project at Sentry to which faults are reported. Without one, nothing is reported. */
  SENTRY_DSN: url(/^https?$/).optional(),
  /** Part of the traces, from 0 to 1, that Sentry receives. */
  SENTRY_TRACES_SAMPLE_RATE: z.coerce.number().min(0).max(1).default(0),
  /** Base URL of an OpenTelemetry collector that receives traces over HTTP. */
  OTEL_EXPORTER_OTLP_ENDPOINT: url(/^https?$/)
    .transform((value) => value.replace(/\/+$/, ''))
    .optional(),
  /** Comma-separated headers for the collector: `name=value,…`, with values as in URLs. */
  OTEL_EXPORTER_OTLP_HEADERS: list.default([]).transform(toHeaders),
  /** Part of the traces, from 0 to 1, that the collector receives. */
  OTEL_TRACES_SAMPLER_ARG: z.coerce.number().min(0).max(1).default(1),
  /** Token of a source at Better Stack, and the URL that receives its lines. Without a token, no lines are sent there. */
  BETTER_STACK_SOURCE_TOKEN: z.string().optional(),
  BETTER_STACK_URL: url(/^https?$/).default('https://in.logs.betterstack.com'),
  /** Token and dataset at Axiom, and the URL that receives their lines. Without both, no lines are sent there. */
  AXIOM_TOKEN: z.string().optional(),
  AXIOM_DATASET: z.string().optional(),
  AXIOM_URL: url(/^https?$/).default('https://api.axiom.co'),
  /** `on`: a production service may keep its data in the embedded database. */
  EMBEDDED_DATABASE: z.enum(['on', 'off']).default('off'),
  /** `warn`: harmful settings are logged, and do not prevent a start in production. */
  CHECK_SETTINGS: z.enum(['enforce', 'warn']).default('enforce'),
  LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'silent']).default('info'),
  NODE_ENV: z.string().default('development'),
});

/** Settings of the integration with Whop. */
export interface WhopConfig {
  /** Undefined: billing is off. */
  apiKey: string | undefined;
  apiUrl: string;
  companyId: string | undefined;
  webhookSecrets: string[];
  legacySignatures: boolean;
  /** Tiers by Whop's id of a plan or product. */
  plans: Record<string, PlanName>;
  /** Undefined client: the sign-in with Whop is off. */
  oauth: { clientId: string | undefined; clientSecret: string | undefined; url: string };
}

/** Settings of backups. */
export interface BackupConfig {
  /** Folder or `s3://bucket/prefix`. Undefined: no backups are made. */
  to: string | undefined;
  /** Undefined: backups are not encrypted. */
  recipient: string | undefined;
  keepDays: number;
  bucket: { endpoint: string; region: string; accessKeyId: string; secretAccessKey: string };
}

/** Texts of one kind as an embedding model expects them. */
export interface EmbeddingInputs {
  prefix: string | undefined;
  /** Further members of the request's body. */
  parameters: Record<string, unknown> | undefined;
}

/** The OAuth server, which has an origin of its own. */
export interface OAuthConfig {
  port: number;
  /** Undefined without OAUTH_PUBLIC_URL: it is then known once the server listens. */
  publicUrl: string | undefined;
  /** Whether the port is only a default: the service starts without OAuth where another program uses it. */
  isOptional: boolean;
}

export interface Config {
  port: number;
  host: string;
  dataDir: string;
  databaseUrl: string | undefined;
  databaseOwnerUrl: string | undefined;
  redisUrl: string | undefined;
  expectedNodes: number;
  /** Undefined without PUBLIC_URL: it is then known once the service listens. */
  publicUrl: string | undefined;
  /** Undefined: no app can connect by OAuth. */
  oauth: OAuthConfig | undefined;
  allowedOrigins: string[];
  keyEnvironment: string;
  trustProxy: number;
  /** Whether a sign-in link creates a free account for an address without one. */
  isSignupOpen: boolean;
  /** Whether the service has an embedded database, with an account for the person who runs it. */
  hasLocalAccount: boolean;
  smtpUrl: string | undefined;
  mailFrom: string;
  operator: string;
  supportEmail: string | undefined;
  /** Sub-processors beside those that other settings name. */
  subprocessors: { name: string; purpose: string }[];
  whop: WhopConfig;
  githubMetaUrl: string;
  embedder: 'local' | 'openai' | 'none';
  embeddings: {
    url?: string | undefined;
    key?: string | undefined;
    model?: string | undefined;
    dimensions?: number | undefined;
    queries?: EmbeddingInputs | undefined;
    passages?: EmbeddingInputs | undefined;
  };
  bodyBytesMax: number;
  usageRetentionDays: number;
  /** Whether URLs of customers may lead into the network of the service. */
  allowPrivateUrls: boolean;
  shutdownGraceMs: number;
  jobs: boolean;
  backup: BackupConfig;
  /** Undefined: metrics have no port of their own. */
  metricsPort: number | undefined;
  metricsToken: string | undefined;
  /** Undefined: faults are only logged. */
  sentryDsn: string | undefined;
  /** Receivers of traces, with the part of the traces that each gets. */
  tracing: {
    sentry: { dsn: string | undefined; sampleRate: number };
    otlp: { endpoint: string | undefined; headers: Record<string, string>; sampleRate: number };
  };
  logDrains: LogDrainSettings;
  /** Whether a production service may keep its data in the embedded database. */
  allowsEmbedded: boolean;
  /** Whether harmful settings prevent a start in production. */
  enforcesSettings: boolean;
  logLevel: string;
  production: boolean;
}

/**
 * Reads the settings from environment variables.
 * @throws one error that names every invalid variable
 */
export function readConfig(variables: NodeJS.ProcessEnv = process.env): Config {
  const given = Object.fromEntries(Object.entries(variables).filter(([, value]) => value !== ''));
  const parsed = environment.safeParse(given);
  if (!parsed.success) {
    const invalid = parsed.error.issues.map((issue) => `  ${issue.path.join('.')}: ${issue.message}`);
    throw new Error(`Invalid settings:\n${invalid.join('\n')}`);
  }
  const env = parsed.data;
  const production = env.NODE_ENV === 'production';
  return {
    port: env.PORT,
    host: env.HOST,
    dataDir: env.DATA_DIR,
    databaseUrl: env.DATABASE_URL,
    databaseOwnerUrl: env.DATABASE_OWNER_URL,
    redisUrl: env.REDIS_URL,
    expectedNodes: env.EXPECTED_NODES,
    publicUrl: env.PUBLIC_URL,
    oauth: oauthConfig(env),
    allowedOrigins: env.ALLOWED_ORIGINS,
    keyEnvironment: env.WHITEMAGIC_ENV ?? (production ? 'live' : 'local'),
    trustProxy: env.TRUST_PROXY,
    isSignupOpen: env.SIGNUP === 'open',
    hasLocalAccount: env.DATABASE_URL === undefined,
    smtpUrl: env.SMTP_URL,
    mailFrom: env.MAIL_FROM,
    operator: env.OPERATOR,
    supportEmail: env.SUPPORT_EMAIL,
    subprocessors: env.SUBPROCESSORS,
    whop: {
      apiKey: env.WHOP_API_KEY,
      apiUrl: env.WHOP_API_URL,
      companyId: env.WHOP_COMPANY_ID,
      webhookSecrets: env.WHOP_WEBHOOK_SECRET,
      legacySignatures: env.WHOP_LEGACY_SIGNATURES,
      plans: env.WHOP_PLANS,
      oauth: {
        clientId: env.WHOP_OAUTH_CLIENT_ID,
        clientSecret: env.WHOP_OAUTH_CLIENT_SECRET,
        url: env.WHOP_OAUTH_URL,
      },
    },
    githubMetaUrl: env.GITHUB_META_URL,
    embedder: env.EMBEDDER,
    embeddings: {
      url: env.EMBEDDINGS_URL,
      key: env.EMBEDDINGS_API_KEY,
      model: env.EMBEDDINGS_MODEL,
      dimensions: env.EMBEDDINGS_DIMENSIONS,
      queries: { prefix: env.EMBEDDINGS_QUERY_PREFIX, parameters: env.EMBEDDINGS_QUERY_PARAMETERS },
      passages: { prefix: env.EMBEDDINGS_PASSAGE_PREFIX, parameters: env.EMBEDDINGS_PASSAGE_PARAMETERS },
    },
    bodyBytesMax: env.BODY_BYTES_MAX,
    usageRetentionDays: env.USAGE_RETENTION_DAYS,
    allowPrivateUrls: env.ALLOW_PRIVATE_URLS,
    shutdownGraceMs: env.SHUTDOWN_GRACE_MS ?? (production ? SHUTDOWN_GRACE_MS : 0),
    jobs: env.JOBS === 'on',
    backup: {
      to: env.BACKUP_TO,
      recipient: env.BACKUP_RECIPIENT,
      keepDays: env.BACKUP_KEEP_DAYS,
      bucket: {
        endpoint: env.AWS_ENDPOINT_URL ?? `https://s3.${env.AWS_REGION}.amazonaws.com`,
        region: env.AWS_REGION,
        accessKeyId: env.AWS_ACCESS_KEY_ID,
        secretAccessKey: env.AWS_SECRET_ACCESS_KEY,
      },
    },
    metricsToken: env.METRICS_TOKEN,
    metricsPort: env.METRICS_PORT,
    sentryDsn: env.SENTRY_DSN,
    tracing: {
      sentry: { dsn: env.SENTRY_DSN, sampleRate: env.SENTRY_TRACES_SAMPLE_RATE },
      otlp: {
        endpoint: env.OTEL_EXPORTER_OTLP_ENDPOINT,
        headers: env.OTEL_EXPORTER_OTLP_HEADERS,
        sampleRate: env.OTEL_TRACES_SAMPLER_ARG,
      },
    },
    logDrains: {
      betterStack: { token: env.BETTER_STACK_SOURCE_TOKEN, url: env.BETTER_STACK_URL },
      axiom: { token: env.AXIOM_TOKEN, dataset: env.AXIOM_DATASET, url: env.AXIOM_URL },
    },
    allowsEmbedded: env.EMBEDDED_DATABASE === 'on',
    enforcesSettings: env.CHECK_SETTINGS === 'enforce',
    logLevel: env.LOG_LEVEL,
    production,
  };
}

/** Returns the settings of the OAuth server: on where it is configured, and on a service without a public URL, which runs on this machine. */
function oauthConfig(env: z.output<typeof environment>): OAuthConfig | undefined {
  const { PORT, OAUTH_PORT, OAUTH_PUBLIC_URL, PUBLIC_URL } = env;
  if (OAUTH_PUBLIC_URL === undefined && PUBLIC_URL !== undefined) return undefined;
  const port = OAUTH_PORT ?? (PORT === 0 || PORT === 65_535 ? 0 : PORT + 1);
  return { port, publicUrl: OAUTH_PUBLIC_URL, isOptional: OAUTH_PORT === undefined && OAUTH_PUBLIC_URL === undefined };
}
