import type { DatabaseFacts } from '../../db/schema/database-facts.ts';
import type { Config } from '../config.ts';

/** A setting that harms or contradicts another one. */
export interface Finding {
  /** `error` prevents the start in production; `warning` is logged. */
  severity: 'error' | 'warning';
  /** The environment variable to change. */
  setting: string;
  problem: string;
  /** The value or change that corrects it. */
  remedy: string;
}

const CLOCK_SKEW_WARNING_MS = 2_000;
const CLOCK_SKEW_ERROR_MS = 60_000;
const DEFAULT_OPERATOR = 'the operator of this service';

/** Names and addresses of hosts that traffic from here reaches without leaving a private network. */
const PRIVATE_HOST =
  /^(localhost|[^.:]+|.+\.(internal|local|localhost|svc|lan)|127\..+|10\..+|192\.168\..+|172\.(1[6-9]|2\d|3[01])\..+|\[?(::1|f[cd][0-9a-f]{2}:.*|fe80:.*)\]?)$/i;

/** Returns what is wrong with the settings of a production service. Facts of the database are left out where it was not reached. */
export function checkSettings(config: Config, database?: DatabaseFacts): Finding[] {
  return [
    ...checkAddress(config),
    ...checkMail(config),
    ...checkSales(config),
    ...checkEncryption(config),
    ...checkNodes(config),
    ...checkBackups(config),
    ...(database ? checkDatabase(config, database) : []),
  ];
}

function* checkAddress({ publicUrl, trustProxy, allowedOrigins }: Config): Generator<Finding> {
  if (!publicUrl) {
    yield error(
      'PUBLIC_URL',
      'is not set: links in e-mails lead to this machine only',
      'PUBLIC_URL=https://your-host-name',
    );
  } else if (publicUrl.startsWith('http:') && !isPrivate(publicUrl)) {
    yield error(
      'PUBLIC_URL',
      'begins with http: API keys travel unencrypted',
      'an https URL, with a proxy that ends TLS',
    );
  }
  if (publicUrl?.startsWith('https:') && trustProxy === 0) {
    yield error(
      'TRUST_PROXY',
      'is 0 although a proxy must stand in front to end TLS: all callers share its IP address and its limits',
      'the number of proxies in front, mostly TRUST_PROXY=1',
    );
  }
  for (const origin of allowedOrigins) {
    if (origin === '*') {
      yield error(
        'ALLOWED_ORIGINS',
        '"*" does not work, and would let every web page call the service',
        'a list of origins',
      );
    } else if (!URL.canParse(origin) || new URL(origin).origin !== origin) {
      const wanted = URL.canParse(origin) ? new URL(origin).origin : 'https://app.example.com';
      yield error(
        'ALLOWED_ORIGINS',
        `"${origin}" matches no origin: it has a path, a slash at its end, or no scheme`,
        wanted,
      );
    }
  }
}

function* checkMail({ smtpUrl, isSignupOpen, whop, mailFrom }: Config): Generator<Finding> {
  const remedy = 'SMTP_URL=smtps://user:password@host';
  if (!smtpUrl && whop.apiKey) {
    yield error('SMTP_URL', 'is not set while plans are sold: no customer gets the link to the key', remedy);
  } else if (!smtpUrl && isSignupOpen) {
    yield error('SMTP_URL', 'is not set while SIGNUP=open: no sign-in link is sent', remedy);
  } else if (!smtpUrl) {
    yield warning('SMTP_URL', 'is not set: e-mails are files in DATA_DIR/outbox', remedy);
  } else if (mailFrom.includes('@localhost')) {
    yield error(
      'MAIL_FROM',
      'is an address of localhost, which mail servers reject',
      'MAIL_FROM="Name <address@your-domain>"',
    );
  }
}

function* checkSales({ operator, supportEmail, whop, embedder, embeddings }: Config): Generator<Finding> {
  const severity = whop.apiKey ? 'error' : 'warning';
  const seen = whop.apiKey ? 'customers need it by law' : 'the legal texts do not name the operator';
  if (operator === DEFAULT_OPERATOR) {
    yield {
      severity,
      setting: 'OPERATOR',
      problem: `is not set: ${seen}`,
      remedy: 'name and postal address of the operator',
    };
  }
  if (!supportEmail) {
    yield {
      severity,
      setting: 'SUPPORT_EMAIL',
      problem: `is not set: ${seen}`,
      remedy: 'an e-mail address that is read',
    };
  }
  if (whop.apiKey && whop.webhookSecrets.length === 0) {
    yield error(
      'WHOP_WEBHOOK_SECRET',
      'is not set: every webhook of Whop is rejected',
      "the webhook's secret from Whop",
    );
  }
  if (whop.apiKey && Object.keys(whop.plans).length === 0) {
    yield error('WHOP_PLANS', 'is empty: no purchase gives a plan', 'WHOP_PLANS=plan_…=starter,plan_…=pro');
  }
  if (!whop.apiKey && (whop.webhookSecrets.length > 0 || Object.keys(whop.plans).length > 0)) {
    yield error(
      'WHOP_API_KEY',
      'is not set, while other settings of Whop are: billing is off',
      'the API key from Whop',
    );
  }
  if ((whop.oauth.clientId === undefined) !== (whop.oauth.clientSecret === undefined)) {
    yield error(
      'WHOP_OAUTH_CLIENT_ID',
      'and WHOP_OAUTH_CLIENT_SECRET belong together: one is missing',
      'both, or neither',
    );
  }
  if (embedder === 'openai' && !embeddings.url && !embeddings.key) {
    yield error('EMBEDDINGS_API_KEY', 'is not set: OpenAI rejects every request for vectors', 'the API key of OpenAI');
  }
}

function* checkEncryption({ databaseUrl, databaseOwnerUrl, redisUrl, smtpUrl }: Config): Generator<Finding> {
  const databases = { DATABASE_URL: databaseUrl, DATABASE_OWNER_URL: databaseOwnerUrl };
  for (const [setting, url] of Object.entries(databases)) {
    if (!url || isPrivate(url)) continue;
    const mode = new URL(url).searchParams.get('sslmode') ?? '';
    if (!/^(require|verify-ca|verify-full)$/.test(mode)) {
      yield error(setting, 'is unencrypted, to a host outside of this network', 'add ?sslmode=verify-full to the URL');
    }
  }
  for (const url of redisUrl?.split(',') ?? []) {
    if (url.trim().startsWith('redis:') && !isPrivate(url.trim())) {
      yield error('REDIS_URL', 'is unencrypted, to a host outside of this network', 'a rediss:// URL');
    }
  }
  if (smtpUrl?.startsWith('smtp:') && !isPrivate(smtpUrl)) {
    const isRequired = new URL(smtpUrl).searchParams.get('requireTLS') === 'true';
    if (!isRequired) {
      yield error(
        'SMTP_URL',
        'may send sign-in links unencrypted',
        'an smtps:// URL, or add ?requireTLS=true for STARTTLS',
      );
    }
  }
}

function* checkNodes({ expectedNodes, redisUrl, databaseUrl, allowsEmbedded }: Config): Generator<Finding> {
  if (expectedNodes > 1 && !redisUrl) {
    yield error(
      'REDIS_URL',
      `is not set with EXPECTED_NODES=${expectedNodes}: each node allows the whole limit`,
      'a Redis that all nodes share',
    );
  }
  if (!databaseUrl && !allowsEmbedded) {
    yield error(
      'DATABASE_URL',
      'is not set: the data would be in this machine or container only',
      'the URL of a PostgreSQL; or EMBEDDED_DATABASE=on, if DATA_DIR is kept and backed up',
    );
  }
}

function* checkBackups({ backup }: Config): Generator<Finding> {
  if (!backup.to)
    yield warning('BACKUP_TO', 'is not set: no backups are made', 'a folder on another disk, or s3://bucket');
  const { accessKeyId, secretAccessKey } = backup.bucket;
  if (backup.to?.startsWith('s3://') && !(accessKeyId && secretAccessKey)) {
    yield error('AWS_ACCESS_KEY_ID', 'or AWS_SECRET_ACCESS_KEY is missing for the bucket of BACKUP_TO', 'both');
  }
  if (backup.to?.startsWith('s3://') && !backup.recipient) {
    yield warning(
      'BACKUP_RECIPIENT',
      'is not set: backups are in the bucket unencrypted',
      'the key of `whitemagic-server backup --create-keys`',
    );
  }
}

function* checkDatabase(
  { databaseUrl, databaseOwnerUrl }: Config,
  { isOwner, isSuperuser, clockSkewMs }: DatabaseFacts,
): Generator<Finding> {
  if (databaseUrl && (isOwner || isSuperuser) && !databaseOwnerUrl) {
    const role = isSuperuser ? 'a superuser' : 'the owner of the tables';
    yield warning(
      'DATABASE_URL',
      `is the login of ${role}`,
      'a login that may only `set role wm_app`, and DATABASE_OWNER_URL for the owner',
    );
  } else if (databaseUrl && databaseOwnerUrl && (isOwner || isSuperuser)) {
    yield error(
      'DATABASE_URL',
      'is the login of the owner although DATABASE_OWNER_URL is set',
      'a login that may only `set role wm_app`',
    );
  }
  const skew = Math.abs(clockSkewMs);
  if (skew >= CLOCK_SKEW_WARNING_MS) {
    const severity = skew >= CLOCK_SKEW_ERROR_MS ? 'error' : 'warning';
    const problem = `of this machine and of the database differ by ${Math.round(skew / 1000)} s: expiries and limits are wrong`;
    yield { severity, setting: 'The clocks', problem, remedy: 'time synchronization (NTP) on both' };
  }
}

function isPrivate(url: string): boolean {
  const { hostname } = new URL(url);
  return hostname === '' || PRIVATE_HOST.test(hostname);
}

function error(setting: string, problem: string, remedy: string): Finding {
  return { severity: 'error', setting, problem, remedy };
}

function warning(setting: string, problem: string, remedy: string): Finding {
  return { severity: 'warning', setting, problem, remedy };
}
