import { readDatabaseFacts } from '../../db/schema/database-facts.ts';
import type { Config } from '../config.ts';
import type { Logger } from '../observability/log.ts';
import { checkSettings, type Finding } from './check-settings.ts';

/** Returns what is wrong with the settings, with the facts of the database if it can be reached. */
export async function findSettingProblems(config: Config): Promise<Finding[]> {
  const facts = config.databaseUrl && (await readDatabaseFacts(config.databaseUrl).catch(() => undefined));
  return checkSettings(config, facts || undefined);
}

/**
 * Logs what is wrong with the settings of a production service, and prevents its start where something harms. Does nothing outside
 * production.
 * @throws one error that names every harmful setting, unless `CHECK_SETTINGS=warn`
 */
export async function requireSettings(config: Config, log: Logger): Promise<void> {
  if (!config.production) return;
  const findings = await findSettingProblems(config);
  const isEnforced = config.enforcesSettings;
  for (const { severity, setting, problem, remedy } of findings) {
    if (severity === 'warning' || !isEnforced) log.warn({ setting, remedy }, `${setting} ${problem}`);
  }
  const errors = findings.filter(({ severity }) => severity === 'error');
  if (errors.length === 0 || !isEnforced) return;
  throw new Error(
    `These settings do harm in production:\n${errors.map(formatFinding).join('\n')}\nTo start nevertheless, set CHECK_SETTINGS=warn.`,
  );
}

/** Returns a finding as a line of text. */
export function formatFinding({ setting, problem, remedy }: Finding): string {
  return `  ${setting} ${problem}. Set: ${remedy}.`;
}
