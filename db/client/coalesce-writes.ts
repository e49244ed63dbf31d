import type { Writable } from 'node:stream';
import type pg from 'pg';

/**
 * Makes a socket send what is written to it within one turn of the event loop at once, as one piece. Each write is a system call
 * that costs more than making the message does, and each piece of one passes a stream's whole machinery by itself; callers who share a
 * connection, and statements that follow each other, share both.
 */
export function coalesceWrites(socket: Writable): void {
  const write = socket.write.bind(socket) as (...args: unknown[]) => boolean;
  let pieces: Uint8Array[] = [];
  const send = () => {
    if (pieces.length === 0) return;
    const together = pieces.length === 1 ? pieces[0] : Buffer.concat(pieces);
    pieces = [];
    // One that was closed meanwhile takes nothing any more; whoever waits for an answer is told of the closing.
    if (socket.writable) write(together);
  };
  socket.write = (...args: unknown[]) => {
    const [piece, ...rest] = args;
    if (rest.length === 0 && (typeof piece === 'string' || piece instanceof Uint8Array)) {
      if (pieces.push(typeof piece === 'string' ? Buffer.from(piece) : piece) === 1) setImmediate(send);
      return true;
    }
    // Who wants to be told of its end does not overtake what was there before.
    send();
    return write(...args);
  };
}

/** The same for a pipelined connection to PostgreSQL that is open. */
export function coalesce(client: pg.ClientBase): void {
  const { connection } = client as unknown as { connection: { stream: Writable } };
  coalesceWrites(connection.stream);
}
