import type { Database } from '../../db/client/database.ts';
import type { WhopConfig } from '../config.ts';
import type { RequestContext } from '../context.ts';
import type { Logger } from '../observability/log.ts';
import type { Metrics } from '../observability/metrics.ts';
import { createLicenseCheck, type LicenseCheck } from './license-check.ts';
import { createWhopClient, type WhopClient } from './whop-client.ts';

/** Dependencies of billing with Whop; created once, in the entry point of the process. */
export interface Billing extends Pick<RequestContext, 'now' | 'newId'> {
  database: Database;
  whop: WhopClient;
  checkLicense: LicenseCheck;
  config: WhopConfig;
  /** Base URL of this service, for links in e-mails. */
  publicUrl: () => string;
  log: Logger;
  metrics: Pick<Metrics, 'webhookRejected' | 'repaired'>;
}

/** Creates billing from the configuration; undefined when `WHOP_API_KEY` is not set. */
export function openBilling(
  config: WhopConfig,
  parts: Omit<Billing, 'config' | 'whop' | 'checkLicense'>,
): Billing | undefined {
  if (!config.apiKey) return undefined;
  if (config.webhookSecrets.length === 0) {
    parts.log.warn(
      'WHOP_WEBHOOK_SECRET is not set: every webhook is rejected, and purchases are only found by the nightly reconciliation',
    );
  }
  const whop = createWhopClient(config);
  return { ...parts, config, whop, checkLicense: createLicenseCheck({ whop, config, now: parts.now }) };
}
