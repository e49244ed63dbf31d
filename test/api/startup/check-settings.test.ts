import { describe, expect, it, vi } from 'vitest';
import { readConfig } from '../../../api/config.ts';
import { createLog } from '../../../api/observability/log.ts';
import { checkSettings } from '../../../api/startup/check-settings.ts';
import { requireSettings } from '../../../api/startup/require-settings.ts';
import { runScript } from '../../support/run-script.ts';

vi.setConfig({ testTimeout: 60_000 });

/** Settings of a production service with which nothing is wrong. */
const GOOD = {
  NODE_ENV: 'production',
  PUBLIC_URL: 'https://memory.example.com',
  TRUST_PROXY: '1',
  DATABASE_URL: 'postgres://app:secret@postgres:5432/whitemagic',
  SMTP_URL: 'smtps://user:secret@mail.example.com',
  MAIL_FROM: 'WhiteMagic <hello@example.com>',
  OPERATOR: 'Example Ltd, 1 Example Street',
  SUPPORT_EMAIL: 'help@example.com',
  BACKUP_TO: '/backups',
  ALLOWED_ORIGINS: 'https://app.example.com',
};
const SELLING = { WHOP_API_KEY: 'k', WHOP_WEBHOOK_SECRET: 's', WHOP_PLANS: 'plan_a=pro' };
const NO_SMTP = { SMTP_URL: '' };

const check = (variables: Record<string, string>, facts?: Parameters<typeof checkSettings>[1]) =>
  checkSettings(readConfig({ ...GOOD, ...variables }), facts).map(({ severity, setting }) => `${severity} ${setting}`);

describe('check of the settings', () => {
  it.each<[string, Record<string, string>, string[]]>([
    ['nothing wrong', {}, []],
    ['nothing wrong while selling', SELLING, []],
    ['no PUBLIC_URL', { PUBLIC_URL: '' }, ['error PUBLIC_URL']],
    ['an http PUBLIC_URL', { PUBLIC_URL: 'http://memory.example.com' }, ['error PUBLIC_URL']],
    ['an http PUBLIC_URL of this machine', { PUBLIC_URL: 'http://localhost:8787' }, []],
    ['an untrusted proxy', { TRUST_PROXY: '0' }, ['error TRUST_PROXY']],
    ['no SMTP while selling', { ...SELLING, ...NO_SMTP }, ['error SMTP_URL']],
    ['no SMTP with open sign-up', { SIGNUP: 'open', ...NO_SMTP }, ['error SMTP_URL']],
    ['no SMTP', NO_SMTP, ['warning SMTP_URL']],
    ['no operator', { OPERATOR: '', SUPPORT_EMAIL: '' }, ['warning OPERATOR', 'warning SUPPORT_EMAIL']],
    ['no operator while selling', { ...SELLING, OPERATOR: '' }, ['error OPERATOR']],
    ['any origin', { ALLOWED_ORIGINS: '*' }, ['error ALLOWED_ORIGINS']],
    ['an origin with a slash', { ALLOWED_ORIGINS: 'https://app.example.com/' }, ['error ALLOWED_ORIGINS']],
    ['an origin without a scheme', { ALLOWED_ORIGINS: 'app.example.com' }, ['error ALLOWED_ORIGINS']],
    ['a plain database elsewhere', { DATABASE_URL: 'postgres://a:b@db.example.com/x' }, ['error DATABASE_URL']],
    ['a database by TLS', { DATABASE_URL: 'postgres://a:b@db.example.com/x?sslmode=require' }, []],
    [
      'a database that prefers TLS',
      { DATABASE_URL: 'postgres://a:b@db.example.com/x?sslmode=prefer' },
      ['error DATABASE_URL'],
    ],
    ['a plain database in the network', { DATABASE_URL: 'postgres://a:b@10.1.2.3/x' }, []],
    ['a plain Redis elsewhere', { REDIS_URL: 'redis://cache.example.com:6379' }, ['error REDIS_URL']],
    ['plain mail elsewhere', { SMTP_URL: 'smtp://mail.example.com:587' }, ['error SMTP_URL']],
    ['mail by STARTTLS', { SMTP_URL: 'smtp://mail.example.com:587?requireTLS=true' }, []],
    ['no sender', { MAIL_FROM: '' }, ['error MAIL_FROM']],
    ['nodes without Redis', { EXPECTED_NODES: '3' }, ['error REDIS_URL']],
    ['no database', { DATABASE_URL: '' }, ['error DATABASE_URL']],
    ['an embedded database that was asked for', { DATABASE_URL: '', EMBEDDED_DATABASE: 'on' }, []],
    ['no backups', { BACKUP_TO: '' }, ['warning BACKUP_TO']],
    ['a bucket without keys', { BACKUP_TO: 's3://b' }, ['error AWS_ACCESS_KEY_ID', 'warning BACKUP_RECIPIENT']],
    ['no webhook secret', { ...SELLING, WHOP_WEBHOOK_SECRET: '' }, ['error WHOP_WEBHOOK_SECRET']],
    ['no plans', { ...SELLING, WHOP_PLANS: '' }, ['error WHOP_PLANS']],
    ['plans without a key of Whop', { WHOP_PLANS: 'plan_a=pro' }, ['error WHOP_API_KEY']],
    ['half an OAuth app', { WHOP_OAUTH_CLIENT_ID: 'x' }, ['error WHOP_OAUTH_CLIENT_ID']],
    ['OpenAI without a key', { EMBEDDER: 'openai' }, ['error EMBEDDINGS_API_KEY']],
  ])('finds %s', (_name, variables, expected) => {
    expect(check(variables)).toEqual(expected);
  });

  it('finds the role of the owner and clocks that differ', () => {
    const facts = { isOwner: false, isSuperuser: false, clockSkewMs: 0 };
    const owner = { ...facts, isOwner: true };
    expect(check({}, facts)).toEqual([]);
    expect(check({}, owner)).toEqual(['warning DATABASE_URL']);
    expect(check({ DATABASE_OWNER_URL: 'postgres://o:b@postgres/x' }, owner)).toEqual(['error DATABASE_URL']);
    expect(check({}, { ...facts, clockSkewMs: -5_000 })).toEqual(['warning The clocks']);
    expect(check({}, { ...facts, clockSkewMs: 90_000 })).toEqual(['error The clocks']);
  });

  it('prevents a start in production, unless CHECK_SETTINGS=warn', async () => {
    const log = createLog({ level: 'silent', pretty: false });
    const start = (variables: Record<string, string>) => requireSettings(readConfig({ ...GOOD, ...variables }), log);
    const bad = { PUBLIC_URL: '', ALLOWED_ORIGINS: '*', DATABASE_URL: '' };
    await expect(start(bad)).rejects.toThrow(/PUBLIC_URL is not set.*\n.*ALLOWED_ORIGINS.*\n.*EMBEDDED_DATABASE=on/);
    await start({ ...bad, CHECK_SETTINGS: 'warn' });
    await start({ ...bad, NODE_ENV: 'development' });
    const { code, stderr } = await runScript('api/main.ts', [], { ...GOOD, ...bad });
    expect([code, stderr]).toEqual([1, expect.stringContaining('These settings do harm in production:\n  PUBLIC_URL')]);
    const printed = await runScript('scripts/check.ts', [], { ...GOOD, ...bad, BACKUP_TO: '' });
    expect([printed.code, printed.stdout]).toEqual([
      1,
      expect.stringMatching(/^Harmful[\s\S]*To consider:\n {2}BACKUP_TO/),
    ]);
  });
});
