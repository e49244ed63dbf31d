import { z } from 'zod';

const port = z.coerce.number().int().min(0).max(65_535);
const url = (protocols: RegExp) => z.url({ protocol: protocols });
const list = z.string().transform((value) =>
  value
    .split(',')
    .map((item) => item.trim())
    .filter(Boolean),
);

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
  LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'silent']).default('info'),
  NODE_ENV: z.string().default('development'),
});

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
  embedder: 'local' | 'openai' | 'none';
  embeddings: { url?: string | undefined; key?: string | undefined; model?: string | undefined };
  bodyBytesMax: number;
  usageRetentionDays: number;
  jobs: boolean;
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
    embedder: env.EMBEDDER,
    embeddings: { url: env.EMBEDDINGS_URL, key: env.EMBEDDINGS_API_KEY, model: env.EMBEDDINGS_MODEL },
    bodyBytesMax: env.BODY_BYTES_MAX,
    usageRetentionDays: env.USAGE_RETENTION_DAYS,
    jobs: env.JOBS === 'on',
    logLevel: env.LOG_LEVEL,
    production,
  };
}
