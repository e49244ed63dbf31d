import type { Writable } from 'node:stream';
import type pg from 'pg';

/**
 * Makes a socket send what is written to it within one turn of the event loop at once. Each write is a system call that costs more
 * than making the message does; callers who share a connection, and statements that follow each other, share it.
 */
export function coalesceWrites(socket: Writable): void {
  const write = socket.write.bind(socket) as (...args: unknown[]) => boolean;
  let isCorked = false;
  socket.write = (...args: unknown[]) => {
    if (!isCorked) {
      isCorked = true;
      socket.cork();
      setImmediate(() => {
        isCorked = false;
        socket.uncork();
      });
    }
    return write(...args);
  };
}

/** The same for a pipelined connection to PostgreSQL that is open. */
export function coalesce(client: pg.ClientBase): void {
  const { connection } = client as unknown as { connection: { stream: Writable } };
  coalesceWrites(connection.stream);
}
