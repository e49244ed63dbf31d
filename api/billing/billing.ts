import type { Database } from '../../db/client/database.ts';
import type { WhopConfig } from '../config.ts';
import type { RequestContext } from '../context.ts';
import type { Logger } from '../observability/log.ts';
import type { Metrics } from '../observability/metrics.ts';
import { createLicenseCheck, type LicenseCheck } from './license-check.ts';
import { createWhopClient, type WhopClient } from './whop-client.ts';

/** What selling at Whop works with; made once, in the process's entry point. */
export interface Billing extends Pick<RequestContext, 'now' | 'newId'> {
  database: Database;
  whop: WhopClient;
  checkLicense: LicenseCheck;
  config: WhopConfig;
  /** Of this service: what links in mails begin with. */
  publicUrl: () => string;
  log: Logger;
  metrics: Pick<Metrics, 'webhookRejected' | 'repaired'>;
}

/** Billing by the configuration; undefined where nothing is sold. */
export function openBilling(
  config: WhopConfig,
  parts: Omit<Billing, 'config' | 'whop' | 'checkLicense'>,
): Billing | undefined {
  if (!config.apiKey) return undefined;
  if (config.webhookSecrets.length === 0) {
    parts.log.warn(
      'WHOP_WEBHOOK_SECRET is not set: every webhook is refused, purchases are found by the nightly comparison only',
    );
  }
  const whop = createWhopClient(config);
  return { ...parts, config, whop, checkLicense: createLicenseCheck({ whop, config, now: parts.now }) };
}
