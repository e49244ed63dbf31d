import type { Writable } from 'node:stream';

/**
 * Makes a socket send everything that is written to it within one turn of the event loop as one chunk. Each write is a system call
 * that costs more than building the message, and each chunk passes a stream's whole machinery; callers who share a connection, and
 * statements that follow each other, share both costs.
 *
 * Backpressure stays intact: `write` returns false once the held-back and buffered bytes reach the high-water mark, and 'drain'
 * follows when they have been flushed.
 */
export function coalesceWrites(socket: Writable): void {
  const write = socket.write.bind(socket) as (...args: unknown[]) => boolean;
  let chunks: Uint8Array[] = [];
  let bytes = 0;
  /** A write returned false, so that its caller waits for 'drain'. */
  let isDrainOwed = false;

  const flush = () => {
    if (chunks.length === 0) return;
    const joined = chunks.length === 1 ? chunks[0] : Buffer.concat(chunks);
    chunks = [];
    bytes = 0;
    // A socket that was closed meanwhile takes no data; its 'close' event rejects the pending requests.
    if (!socket.writable) return;
    const isBelowMark = write(joined);
    // The stream emits 'drain' itself only after a write that returned false.
    if (isBelowMark && isDrainOwed) process.nextTick(() => socket.emit('drain'));
    isDrainOwed = false;
  };

  socket.write = (...args: unknown[]) => {
    const [chunk, ...rest] = args;
    if (rest.length === 0 && (typeof chunk === 'string' || chunk instanceof Uint8Array)) {
      const piece = typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
      if (chunks.push(piece) === 1) setImmediate(flush);
      bytes += piece.byteLength;
      const isBelowMark = !socket.writableNeedDrain && socket.writableLength + bytes < socket.writableHighWaterMark;
      isDrainOwed ||= !isBelowMark;
      return isBelowMark;
    }
    // A write with an encoding or a callback must not overtake the chunks before it.
    flush();
    return write(...args);
  };
}
