import { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { S3mini, S3ServiceError, type UploadPart } from 's3mini';
import type { BackupStore } from './store.ts';

/** An S3-compatible bucket and the credentials for it. */
export interface BucketOptions {
  bucket: string;
  /** Folder in the bucket, without slashes at its ends; empty for none. */
  prefix: string;
  /** URL of the service, without the bucket. */
  endpoint: string;
  region: string;
  accessKeyId: string;
  secretAccessKey: string;
}

/** Size of the parts of an upload. A file has at most 10,000 of them: 160 GB. */
const PART_BYTES = 16 * 1024 ** 2;
const ATTEMPTS = 4;
const RETRY_MS = 1_000;
const REQUEST_TIMEOUT_MS = 120_000;

/** Returns the store in a bucket. Uploads have parts, and a file appears once all are there. */
export function openBucketStore(options: BucketOptions): BackupStore {
  const { bucket, prefix, endpoint, region, accessKeyId, secretAccessKey } = options;
  const client = new S3mini({
    endpoint: `${endpoint.replace(/\/+$/, '')}/${bucket}`,
    region,
    accessKeyId,
    secretAccessKey,
    requestAbortTimeout: REQUEST_TIMEOUT_MS,
  });
  const keyOf = (name: string) => (prefix ? `${prefix}/${name}` : name);
  return {
    location: `s3://${bucket}/${prefix}`,
    async write(name, bytes) {
      const key = keyOf(name);
      const uploadId = await retry(() => client.getMultipartUploadId(key, 'application/octet-stream'));
      try {
        const parts: UploadPart[] = [];
        let total = 0;
        for await (const part of partsOf(bytes)) {
          total += part.length;
          const number = parts.length + 1;
          const { etag } = await retry(() => client.uploadPart(key, uploadId, part, number));
          parts.push({ partNumber: number, etag });
        }
        await retry(() => client.completeMultipartUpload(key, uploadId, parts));
        return total;
      } catch (error) {
        await client.abortMultipartUpload(key, uploadId).catch(() => undefined);
        throw error;
      }
    },
    async read(name) {
      const key = keyOf(name);
      const size = await retry(() => client.getContentLength(key));
      return Readable.from(rangesOf(client, key, size), { objectMode: false });
    },
    async list() {
      const objects = (await retry(() => client.listObjects('/', prefix && `${prefix}/`))) ?? [];
      const start = prefix ? prefix.length + 1 : 0;
      return objects
        .map(({ Key, Size }) => ({ name: Key.slice(start), bytes: Number(Size) }))
        .filter(({ name }) => name !== '' && !name.includes('/'))
        .sort((a, b) => (a.name < b.name ? -1 : 1));
    },
    async remove(name) {
      await retry(() => client.deleteObject(keyOf(name)));
    },
    // A bucket's own rule removes the parts of uploads that were never completed; the documentation names it.
    removeUnfinished: async () => undefined,
  };
}

/** Cuts a stream into parts of one size; the last one may be smaller. */
async function* partsOf(bytes: Readable): AsyncGenerator<Buffer> {
  let chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of bytes as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    length += chunk.length;
    if (length < PART_BYTES) continue;
    yield Buffer.concat(chunks);
    chunks = [];
    length = 0;
  }
  if (length > 0) yield Buffer.concat(chunks);
}

/** Reads an object in ranges, so that a slow or lost connection costs one of them. */
async function* rangesOf(client: S3mini, key: string, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < size; at += PART_BYTES) {
    yield await retry(async () => {
      const response = await client.getObjectRaw(key, false, at, Math.min(at + PART_BYTES, size));
      return Buffer.from(await response.arrayBuffer());
    });
  }
}

async function retry<T>(request: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await request();
    } catch (error) {
      if (attempt === ATTEMPTS || isRejected(error)) throw error;
      await delay(RETRY_MS * 2 ** (attempt - 1));
    }
  }
}

/** Returns whether the service rejected a request, as it would again: a wrong key, no such bucket. */
function isRejected(error: unknown): boolean {
  const cause = error instanceof Error && error.cause instanceof S3ServiceError ? error.cause : error;
  return cause instanceof S3ServiceError && cause.status >= 400 && cause.status < 500 && cause.status !== 429;
}
