import { parseArgs } from 'node:util';
import { readConfig } from '../api/config.ts';
import { findSettingProblems, formatFinding } from '../api/startup/require-settings.ts';
import { runProgram } from './cli-output.ts';

const HELP = `Usage: whitemagic-server check

Looks for settings that contradict each other or silently harm a service in production, and says what to set. Reads the settings of
the environment and, where it can be reached, the database of DATABASE_URL. Changes nothing.

Exits with 1 when a setting does harm: with it, a service with NODE_ENV=production does not start.`;

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { help: { type: 'boolean', short: 'h', default: false } } });
  if (values.help) return console.log(HELP);
  const findings = await findSettingProblems(readConfig());
  const errors = findings.filter(({ severity }) => severity === 'error');
  const warnings = findings.filter(({ severity }) => severity === 'warning');
  if (errors.length > 0)
    console.log(`Harmful, prevents a start in production:\n${errors.map(formatFinding).join('\n')}`);
  if (warnings.length > 0) console.log(`To consider:\n${warnings.map(formatFinding).join('\n')}`);
  if (findings.length === 0) console.log('The settings are fine.');
  if (errors.length > 0) process.exitCode = 1;
}

await runProgram(main);
