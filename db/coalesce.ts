import type { Writable } from 'node:stream';
import type pg from 'pg';

/**
 * Makes a pipelined connection send what is asked of it within one turn of the event loop in one write. Each write is a system call
 * that costs more than making the message does; callers who share a connection, and statements that follow each other, share it.
 */
export function coalesce(client: pg.ClientBase): void {
  const { connection } = client as unknown as { connection: { stream: Writable } };
  const query = client.query.bind(client) as (...args: unknown[]) => unknown;
  let corked: Writable | undefined;
  client.query = ((...args: unknown[]) => {
    if (!corked) {
      corked = connection.stream;
      corked.cork();
      setImmediate(() => {
        corked?.uncork();
        corked = undefined;
      });
    }
    return query(...args);
  }) as typeof client.query;
}
