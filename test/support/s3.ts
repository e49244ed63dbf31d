import { createHash, createHmac } from 'node:crypto';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';

/** A local S3-compatible service with one bucket, which rejects requests whose signature (version 4) is wrong. */
export interface S3Server {
  url: string;
  /** The objects of the bucket, by key. */
  objects: Map<string, Buffer>;
  /** Number of uploads that were begun and neither completed nor aborted. */
  unfinished(): number;
  /** Number of requests to answer with 503 from now on. */
  failNext(requests: number): void;
  stop(): Promise<void>;
}

export const S3_CREDENTIALS = { region: 'eu-central-1', accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'example-secret' };

const XML = { 'content-type': 'application/xml' };
const hmac = (key: string | Buffer, text: string) => createHmac('sha256', key).update(text).digest();
const sha256 = (data: string | Buffer) => createHash('sha256').update(data).digest('hex');
const encode = (text: string) =>
  encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);

/** Returns whether the signature of a request is right, computed as Amazon documents it. */
function isSigned(request: IncomingMessage, url: URL, body: Buffer): boolean {
  const { authorization = '' } = request.headers;
  const [, scope = '', names = '', signature] =
    /Credential=[^/]+\/(\S+), ?SignedHeaders=(\S+), ?Signature=(\w+)/.exec(authorization) ?? [];
  const [day = '', region = '', service = ''] = scope.split('/');
  const payload = String(request.headers['x-amz-content-sha256']);
  if (payload !== 'UNSIGNED-PAYLOAD' && payload !== sha256(body)) return false;
  const query = [...url.searchParams].map(([name, value]) => `${encode(name)}=${encode(value)}`).sort();
  const headers = names.split(';').map((name) => `${name}:${String(request.headers[name]).trim()}\n`);
  const canonical = [request.method, url.pathname, query.join('&'), headers.join(''), names, payload].join('\n');
  const text = ['AWS4-HMAC-SHA256', request.headers['x-amz-date'], scope, sha256(canonical)].join('\n');
  const parts = [day, region, service, 'aws4_request'];
  const key = parts.reduce<string | Buffer>((key, part) => hmac(key, part), `AWS4${S3_CREDENTIALS.secretAccessKey}`);
  return hmac(key, text).toString('hex') === signature;
}

/** Starts the service with the bucket `backups`. */
export async function startS3(): Promise<S3Server> {
  const objects = new Map<string, Buffer>();
  const uploads = new Map<string, Map<number, Buffer>>();
  let failures = 0;
  const respond = (
    method: string,
    url: URL,
    body: Buffer,
    range: string | undefined,
  ): [number, string | Buffer, object?] => {
    const key = decodeURIComponent(url.pathname.replace(/^\/backups\/?/, ''));
    const { searchParams: query } = url;
    const upload = uploads.get(query.get('uploadId') ?? '');
    if (query.has('uploads') && method === 'POST') {
      const id = `upload-${uploads.size + 1}`;
      uploads.set(id, new Map());
      return [200, `<InitiateMultipartUploadResult><UploadId>${id}</UploadId></InitiateMultipartUploadResult>`];
    }
    if (query.has('uploadId')) {
      if (!upload) return [404, '<Error><Code>NoSuchUpload</Code></Error>'];
      if (method === 'PUT') {
        upload.set(Number(query.get('partNumber')), body);
        return [200, '', { etag: `"${sha256(body)}"` }];
      }
      uploads.delete(query.get('uploadId') as string);
      if (method === 'DELETE') return [204, ''];
      const parts = [...upload].sort(([a], [b]) => a - b).map(([, part]) => part);
      objects.set(key, Buffer.concat(parts));
      return [200, `<CompleteMultipartUploadResult><Key>${key}</Key><ETag>"1"</ETag></CompleteMultipartUploadResult>`];
    }
    if (query.has('list-type')) {
      const found = [...objects].filter(([name]) => name.startsWith(query.get('prefix') ?? ''));
      const items = found.map(
        ([name, { length }]) =>
          `<Contents><Key>${name}</Key><Size>${length}</Size><LastModified>2026-11-29T00:00:00.000Z</LastModified></Contents>`,
      );
      return [200, `<ListBucketResult><IsTruncated>false</IsTruncated>${items.join('')}</ListBucketResult>`];
    }
    if (method === 'DELETE') return objects.delete(key) ? [204, ''] : [404, ''];
    const object = objects.get(key);
    if (!object) return [404, '<Error><Code>NoSuchKey</Code></Error>'];
    const [, from, to] = /bytes=(\d+)-(\d+)/.exec(range ?? '') ?? [];
    return from ? [206, object.subarray(Number(from), Number(to) + 1)] : [200, object];
  };
  const server = createServer(async (request, response) => {
    const body = await buffer(request);
    const url = new URL(request.url ?? '/', 'http://localhost');
    if (failures > 0) {
      failures -= 1;
      return response.writeHead(503, XML).end('<Error><Code>SlowDown</Code></Error>');
    }
    if (!isSigned(request, url, body)) {
      return response.writeHead(403, XML).end('<Error><Code>SignatureDoesNotMatch</Code></Error>');
    }
    const [status, content, headers] = respond(request.method ?? 'GET', url, body, request.headers.range);
    return response
      .writeHead(status, { ...XML, 'content-length': Buffer.byteLength(content), ...headers })
      .end(request.method === 'HEAD' ? undefined : content);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    objects,
    unfinished: () => uploads.size,
    failNext: (requests) => {
      failures = requests;
    },
    stop: () => new Promise((resolve) => server.close(() => resolve())),
  };
}
