import type { Deferred, Statement } from './sql.ts';

/** Deferred statements of one transaction, and what takes them out to send them. */
interface DeferredStatements extends Deferred {
  takeWaiting(): Statement[];
  takeAtCommit(): Statement[];
}

interface Rows {
  toStatement: (rows: readonly never[]) => Statement;
  rows: unknown[];
}

/** Creates the deferred statements of a transaction, which begin with those given. */
export function createDeferred(first: readonly Statement[]): DeferredStatements {
  const waiting = [...first];
  const atCommit = new Map<string, Rows>();
  return {
    add: (statement) => void waiting.push(statement),
    addAtCommit: (key, toStatement, rows) => {
      const found = atCommit.get(key);
      if (found) found.rows.push(...rows);
      else atCommit.set(key, { toStatement, rows: [...rows] });
    },
    mark: () => {
      const lengths = new Map([...atCommit].map(([key, { rows }]) => [key, rows.length]));
      return () => {
        for (const [key, { rows }] of atCommit) rows.length = lengths.get(key) ?? 0;
      };
    },
    takeWaiting: () => waiting.splice(0),
    takeAtCommit: () =>
      [...atCommit.values()]
        .filter(({ rows }) => rows.length > 0)
        .map(({ toStatement, rows }) => toStatement(rows as never[])),
  };
}
