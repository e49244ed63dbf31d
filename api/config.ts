import { z } from 'zod';
import type { PlanName } from '../db/queries/accounts/users.ts';
import { PLAN_NAMES } from './limits/plans.ts';

const port = z.coerce.number().int().min(0).max(65_535);
const url = (protocols: RegExp) => z.url({ protocol: protocols });
const list = z.string().transform((value) =>
  value
    .split(',')
    .map((item) => item.trim())
    .filter(Boolean),
);

/** `plan_or_product_id=tier,…` as a table. */
const tiers = list.transform((pairs, context) => {
  const table: Record<string, PlanName> = {};
  for (const pair of pairs) {
    const [id = '', name] = pair.split('=').map((part) => part.trim());
    const tier = PLAN_NAMES.find((known) => known === name);
    if (id && tier) table[id] = tier;
    else context.addIssue(`"${pair}" is not plan_or_product_id=${PLAN_NAMES.join('|')}`);
  }
  return table;
});

/** Every environment variable there is. An unset or empty one takes its default; an unusable one stops the start. */
const environment = z.object({
  /** Where the service listens. */
  PORT: port.default(8787),
  HOST: z.string().default('127.0.0.1'),
  /** Folder of the embedded database, the local key and mails that have nowhere to go. */
  DATA_DIR: z.string().default('.data'),
  /** A PostgreSQL >= 15; without one, an embedded PostgreSQL is started in DATA_DIR. */
  DATABASE_URL: url(/^postgres(ql)?$/).optional(),
  /** A login that owns the tables, where DATABASE_URL is the application's own. */
  DATABASE_OWNER_URL: url(/^postgres(ql)?$/).optional(),
  /** A Redis that all nodes share for their limits, or nodes of a Redis Cluster, a comma list; without one, limits are counted in this process. */
  REDIS_URL: z
    .string()
    .refine(
      (value) => value.split(',').every((address) => url(/^rediss?$/).safeParse(address.trim()).success),
      'must be redis:// or rediss:// addresses',
    )
    .optional(),
  /** Nodes that share the limits: while Redis is away, each allows this part of a minute. */
  EXPECTED_NODES: z.coerce.number().int().min(1).max(1_000).default(1),
  /** The address that people and clients reach the service by. */
  PUBLIC_URL: url(/^https?$/)
    .transform((value) => value.replace(/\/+$/, ''))
    .optional(),
  /** Origins of web pages that may call the service, beside its own: a comma list. */
  ALLOWED_ORIGINS: list.default([]),
  /** The `<env>` of new keys: `wm_<env>_…`. */
  WHITEMAGIC_ENV: z
    .string()
    .regex(/^[a-z][a-z0-9]{0,9}$/, 'one to ten lower-case letters and digits, a letter first')
    .optional(),
  /** How many proxies stand before the service and may be believed about the caller's address. */
  TRUST_PROXY: z.coerce.number().int().min(0).max(10).default(0),
  /** smtp:// or smtps:// of the mail server; without one, mails are written to DATA_DIR/outbox. */
  SMTP_URL: url(/^smtps?$/).optional(),
  MAIL_FROM: z.string().default('WhiteMagic <noreply@localhost>'),
  /** Who runs this service, as the legal texts name it: name and postal address. */
  OPERATOR: z.string().default('the operator of this service'),
  /** Where people ask for help and for a custom plan. */
  SUPPORT_EMAIL: z.email().optional(),
  /** A company's or app's key of Whop's API; without one, nothing is sold here. */
  WHOP_API_KEY: z.string().optional(),
  WHOP_API_URL: url(/^https?$/)
    .default('https://api.whop.com/api/v1')
    .transform((value) => value.replace(/\/+$/, '')),
  /** `biz_…`, where the key sees several companies. */
  WHOP_COMPANY_ID: z.string().optional(),
  /** Secrets that Whop signs its webhooks with, a comma list: the new one and the old one while they change. */
  WHOP_WEBHOOK_SECRET: list.default([]),
  /** `on` also takes `X-Whop-Signature: <hex HMAC of the body>`, which no Whop ever sent. */
  WHOP_LEGACY_SIGNATURES: z.stringbool().default(false),
  /** Which plan or product at Whop is which plan here: `plan_x=pro,prod_y=starter`. */
  WHOP_PLANS: tiers.default({}),
  /** The app of "Sign in with Whop"; without one, there is no such log-in. */
  WHOP_OAUTH_CLIENT_ID: z.string().optional(),
  WHOP_OAUTH_CLIENT_SECRET: z.string().optional(),
  WHOP_OAUTH_URL: url(/^https?$/)
    .default('https://api.whop.com/oauth')
    .transform((value) => value.replace(/\/+$/, '')),
  /** Where GitHub publishes the keys that its secret scanning signs with. */
  GITHUB_META_URL: url(/^https?$/).default('https://api.github.com/meta/public_keys/secret_scanning'),
  /** What makes vectors of texts: the model that comes with the service, an OpenAI-compatible endpoint, or nothing. */
  EMBEDDER: z.enum(['local', 'openai', 'none']).default('local'),
  /** The endpoint of `EMBEDDER=openai`, its key and its model. */
  EMBEDDINGS_URL: url(/^https?$/).optional(),
  EMBEDDINGS_API_KEY: z.string().optional(),
  EMBEDDINGS_MODEL: z.string().optional(),
  /** Largest request body, in bytes. */
  BODY_BYTES_MAX: z.coerce.number().int().min(1024).default(1_048_576),
  /** Days that usage events are kept, whole days; the daily totals stay for good. What is told by the hour needs 31. */
  USAGE_RETENTION_DAYS: z.coerce.number().int().min(31).max(36_500).default(400),
  /** `off` leaves background jobs to `npm run worker`. */
  JOBS: z.enum(['on', 'off']).default('on'),
  /** What a Prometheus sends as its bearer token to GET /metrics; without one there is no such address. */
  METRICS_TOKEN: z.string().min(16).optional(),
  LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'silent']).default('info'),
  NODE_ENV: z.string().default('development'),
});

/** How this service meets Whop. */
export interface WhopConfig {
  /** Undefined: nothing is sold here. */
  apiKey: string | undefined;
  apiUrl: string;
  companyId: string | undefined;
  webhookSecrets: string[];
  legacySignatures: boolean;
  /** Tiers by Whop's id of a plan or product. */
  plans: Record<string, PlanName>;
  /** Undefined client: no log-in with Whop. */
  oauth: { clientId: string | undefined; clientSecret: string | undefined; url: string };
}

export interface Config {
  port: number;
  host: string;
  dataDir: string;
  databaseUrl: string | undefined;
  databaseOwnerUrl: string | undefined;
  redisUrl: string | undefined;
  expectedNodes: number;
  /** Undefined until the port is known, unless PUBLIC_URL says it. */
  publicUrl: string | undefined;
  allowedOrigins: string[];
  keyEnvironment: string;
  trustProxy: number;
  smtpUrl: string | undefined;
  mailFrom: string;
  operator: string;
  supportEmail: string | undefined;
  whop: WhopConfig;
  githubMetaUrl: string;
  embedder: 'local' | 'openai' | 'none';
  embeddings: { url?: string | undefined; key?: string | undefined; model?: string | undefined };
  bodyBytesMax: number;
  usageRetentionDays: number;
  jobs: boolean;
  metricsToken: string | undefined;
  logLevel: string;
  production: boolean;
}

/** Reads the environment. Throws one error that names every variable it cannot use. */
export function readConfig(variables: NodeJS.ProcessEnv = process.env): Config {
  const given = Object.fromEntries(Object.entries(variables).filter(([, value]) => value !== ''));
  const parsed = environment.safeParse(given);
  if (!parsed.success) {
    const wrong = parsed.error.issues.map((issue) => `  ${issue.path.join('.')}: ${issue.message}`);
    throw new Error(`These settings cannot be used:\n${wrong.join('\n')}`);
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
    allowedOrigins: env.ALLOWED_ORIGINS,
    keyEnvironment: env.WHITEMAGIC_ENV ?? (production ? 'live' : 'local'),
    trustProxy: env.TRUST_PROXY,
    smtpUrl: env.SMTP_URL,
    mailFrom: env.MAIL_FROM,
    operator: env.OPERATOR,
    supportEmail: env.SUPPORT_EMAIL,
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
    embeddings: { url: env.EMBEDDINGS_URL, key: env.EMBEDDINGS_API_KEY, model: env.EMBEDDINGS_MODEL },
    bodyBytesMax: env.BODY_BYTES_MAX,
    usageRetentionDays: env.USAGE_RETENTION_DAYS,
    jobs: env.JOBS === 'on',
    metricsToken: env.METRICS_TOKEN,
    logLevel: env.LOG_LEVEL,
    production,
  };
}
