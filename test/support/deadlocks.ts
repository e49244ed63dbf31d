/** Comment in the statements of a test that causes a deadlock on purpose. */
export const DEADLOCK_ON_PURPOSE = '/* deadlock on purpose */';

/** Returns the deadlocks in a log of PostgreSQL, each with its details, but those that a test caused on purpose. */
export function findDeadlocks(log: string): string[] {
  // An entry starts with a time; the lines of its details, context and statement follow as entries or indented.
  const entries = log.split(/^(?=\d{4}-\d\d-\d\d [\d:.]+ UTC \[\d+\] (?:ERROR|FATAL|PANIC|LOG|WARNING):)/m);
  return entries.filter((entry) => entry.includes('ERROR:  deadlock detected') && !entry.includes(DEADLOCK_ON_PURPOSE));
}
