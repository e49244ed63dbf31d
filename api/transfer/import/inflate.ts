import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { ImportFailure } from './failure.ts';
import type { Source } from './record.ts';

/** Most inflated bytes for each compressed one: texts reach about twenty. */
const RATIO_MAX = 100;
/** Inflated bytes that are allowed in any case. */
const INFLATED_MIN = 16_777_216;
const PIECE_BYTES = 65_536;

/**
 * Returns the content of a file, inflated if it is gzipped, without a byte order mark.
 * @throws ImportFailure for a damaged file, one that inflates to more than 100 times its size, and for known binary formats
 */
export async function* inflate(source: Source, bytes: number): AsyncGenerator<Buffer> {
  const { head, all } = await peek(source, 4);
  if (head.subarray(0, 2).equals(Buffer.from([0x50, 0x4b]))) {
    throw new ImportFailure('This is a ZIP archive. Unpack it and import the folder, or the file in it.');
  }
  if (/^(fffe|feff)/.test(head.toString('hex'))) {
    throw new ImportFailure('This file is UTF-16. Save it as UTF-8.');
  }
  const isGzip = head.subarray(0, 2).equals(Buffer.from([0x1f, 0x8b]));
  yield* withoutByteOrderMark(isGzip ? gunzip(all, Math.max(INFLATED_MIN, RATIO_MAX * bytes)) : all);
}

async function* gunzip(source: Source, bytesMax: number): AsyncGenerator<Buffer> {
  const inflater = createGunzip({ chunkSize: PIECE_BYTES });
  // Its error also ends the iteration below.
  const feeding = pipeline(Readable.from(source, { objectMode: false }), inflater).catch(() => undefined);
  let inflated = 0;
  try {
    for await (const piece of inflater as AsyncIterable<Buffer>) {
      inflated += piece.length;
      if (inflated > bytesMax) {
        throw new ImportFailure(`This gzip file inflates to more than ${RATIO_MAX} times its size.`);
      }
      yield piece;
    }
  } catch (error) {
    if (error instanceof Error && 'code' in error && String(error.code).startsWith('Z_')) {
      throw new ImportFailure('This gzip file is damaged or incomplete. Export it again, or upload it again.');
    }
    throw error;
  } finally {
    inflater.destroy();
    await feeding;
  }
}

async function* withoutByteOrderMark(source: Source): AsyncGenerator<Buffer> {
  const { head, all } = await peek(source, 3);
  let skip = head.subarray(0, 3).equals(Buffer.from([0xef, 0xbb, 0xbf])) ? 3 : 0;
  for await (const piece of all) {
    yield piece.subarray(Math.min(skip, piece.length));
    skip -= Math.min(skip, piece.length);
  }
}

/** Reads the first bytes of a source: at least `bytes`, unless it is shorter. `all` is the whole source. */
export async function peek(source: Source, bytes: number): Promise<{ head: Buffer; all: AsyncGenerator<Buffer> }> {
  const rest = source[Symbol.asyncIterator]();
  const read: Buffer[] = [];
  let length = 0;
  let isDone = false;
  while (length < bytes && !isDone) {
    const next = await rest.next();
    isDone = next.done === true;
    if (!next.done) {
      read.push(next.value);
      length += next.value.length;
    }
  }
  async function* all(): AsyncGenerator<Buffer> {
    try {
      yield* read.splice(0);
      for (let next = await rest.next(); !next.done; next = await rest.next()) yield next.value;
    } finally {
      await rest.return?.();
    }
  }
  return { head: Buffer.concat(read), all: all() };
}
