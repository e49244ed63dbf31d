/**
 * The programs of `whitemagic-server`.
 *
 * @type {Record<string, { about: string, path: string }>} by name; `path` is the program's below dist/, without its ending
 */
export const PROGRAMS = {
  api: { about: 'serve REST, MCP and the dashboard', path: 'api/main' },
  worker: { about: 'run background jobs in a process of their own', path: 'api/jobs/main' },
  migrate: { about: 'show, apply or revert migrations of the database', path: 'scripts/migrate' },
  admin: { about: 'manage accounts, keys and plans', path: 'scripts/admin' },
  backup: { about: 'write a backup of the database, or list the backups', path: 'scripts/backup' },
  restore: { about: 'restore a backup into an empty database, or test that it can be', path: 'scripts/restore' },
  check: { about: 'look for settings that harm or contradict each other', path: 'scripts/check' },
};

/** Returns the help of `whitemagic-server`. */
export function usage() {
  const lines = Object.entries(PROGRAMS).map(([name, { about }]) => `  ${name.padEnd(8)} ${about}`);
  return `Usage: whitemagic-server <command> [arguments]\n\n${lines.join('\n')}\n\nEvery command has --help, except api and worker. In a clone: npx whitemagic-server <command>`;
}
