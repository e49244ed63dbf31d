import type { Readable } from 'node:stream';
import { Readable as NodeReadable } from 'node:stream';
import { createGunzip, createGzip } from 'node:zlib';
import { createTarDecoder, packTar } from 'modern-tar';

/*
 * An archive is a tar file, compressed by gzip: `header.json`, then the rows of each table in parts of some megabytes, and
 * `manifest.json` at the end. One without a manifest is incomplete.
 */

/** An entry of an archive. */
export interface ArchiveEntry {
  name: string;
  body: Buffer;
}

const BLOCK = 512;
/** An archive ends with two empty blocks. */
const END = Buffer.alloc(2 * BLOCK);
/** Largest entry that is read. A part is as large as one row at most exceeds {@link PART_BYTES}. */
const ENTRY_BYTES_MAX = 1024 ** 3;
/** Size at which the rows of a table go to the next entry. */
export const PART_BYTES = 8 * 1024 ** 2;

/** Returns the compressed bytes of an archive with these entries, which are requested one by one. */
export function packArchive(entries: AsyncIterable<ArchiveEntry>): Readable {
  const tar = NodeReadable.from(tarBlocks(entries), { objectMode: false });
  const gzip = createGzip();
  tar.once('error', (error) => gzip.destroy(error));
  gzip.once('close', () => tar.destroy());
  return tar.pipe(gzip);
}

async function* tarBlocks(entries: AsyncIterable<ArchiveEntry>): AsyncGenerator<Buffer> {
  for await (const { name, body } of entries) {
    const packed = await packTar([{ header: { name, size: body.length, mtime: new Date(0) }, body }]);
    // Without the end that it has as an archive of its own.
    yield Buffer.from(packed.buffer, packed.byteOffset, BLOCK * (1 + Math.ceil(body.length / BLOCK)));
  }
  yield END;
}

/** Returns the entries of an archive one by one. Throws when it is damaged or cut off. */
export async function* unpackArchive(bytes: Readable): AsyncGenerator<ArchiveEntry> {
  const gunzip = createGunzip();
  bytes.once('error', (error) => gunzip.destroy(error));
  bytes.pipe(gunzip);
  try {
    const entries = (NodeReadable.toWeb(gunzip) as ReadableStream<Uint8Array>).pipeThrough(
      createTarDecoder({ strict: true }),
    );
    for await (const { header, body } of entries) {
      if (header.size > ENTRY_BYTES_MAX) throw new Error(`the entry ${header.name} is too large`);
      yield { name: header.name, body: Buffer.from(await new Response(body).arrayBuffer()) };
    }
  } catch (error) {
    throw new Error('The archive is damaged, incomplete, or not an archive of WhiteMagic.', { cause: error });
  } finally {
    bytes.destroy();
    gunzip.destroy();
  }
}
