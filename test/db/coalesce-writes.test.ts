import { once } from 'node:events';
import { Writable } from 'node:stream';
import { setImmediate as turnEnd } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { coalesceWrites } from '../../db/client/coalesce-writes.ts';

/** Creates a coalesced stream with a buffer of 10 bytes, which flushes when `release` is called. */
function slowStream() {
  const chunks: string[] = [];
  const flushing: (() => void)[] = [];
  const stream = new Writable({
    highWaterMark: 10,
    write(chunk, _encoding, done) {
      chunks.push(String(chunk));
      flushing.push(done);
    },
  });
  coalesceWrites(stream);
  const release = () => {
    for (const done of flushing.splice(0)) done();
  };
  return { stream, chunks, release };
}

describe('coalesceWrites', () => {
  it('sends the writes of one turn of the event loop as one chunk, in order', async () => {
    const { stream, chunks, release } = slowStream();
    stream.write('a');
    stream.write(Buffer.from('b'));
    expect(chunks).toEqual([]);
    await turnEnd();
    expect(chunks).toEqual(['ab']);
    release();
    stream.write('c');
    await turnEnd();
    expect(chunks).toEqual(['ab', 'c']);
  });

  it('keeps the order when a write has a callback', async () => {
    const { stream, chunks, release } = slowStream();
    stream.write('a');
    const written = new Promise((resolve) => stream.write('b', resolve));
    release();
    await turnEnd();
    release();
    await written;
    expect(chunks).toEqual(['a', 'b']);
  });

  it('returns false once the held-back bytes fill the buffer, and emits drain when they are flushed', async () => {
    const { stream, release } = slowStream();
    expect(stream.write('12345')).toBe(true);
    expect(stream.write('67890')).toBe(false);
    let hasDrained = false;
    stream.once('drain', () => {
      hasDrained = true;
    });
    await turnEnd();
    expect(hasDrained).toBe(false);
    release();
    await turnEnd();
    expect(hasDrained).toBe(true);
    expect(stream.write('1')).toBe(true);
  });

  it('returns false while the stream itself is still flushing', async () => {
    const { stream, release } = slowStream();
    stream.write('1234567890');
    await turnEnd();
    expect(stream.write('1')).toBe(false);
    const drained = once(stream, 'drain');
    release();
    await turnEnd();
    release();
    await drained;
    expect(stream.write('1')).toBe(true);
  });

  it('emits drain also when the stream was flushed before the held-back bytes reached it', async () => {
    const { stream, release } = slowStream();
    stream.write('12345');
    await turnEnd();
    // Five bytes are still being flushed: with five more the buffer is full.
    expect(stream.write('67890')).toBe(false);
    const drained = once(stream, 'drain');
    release();
    await drained;
  });

  it('drops the held-back bytes when the stream was destroyed meanwhile', async () => {
    const { stream, chunks } = slowStream();
    stream.write('a');
    stream.destroy();
    await turnEnd();
    expect(chunks).toEqual([]);
  });
});
