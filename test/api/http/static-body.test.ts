import { createServer, type IncomingHttpHeaders, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import Koa from 'koa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { staticBody } from '../../../api/http/static-body.ts';
import { COPY_SCRIPT, STYLE } from '../../../api/pages/assets.ts';
import { startTestService, type TestService } from '../../support/service.ts';

interface Received {
  status: number | undefined;
  headers: IncomingHttpHeaders;
  bytes: Buffer;
}

/** Sends a GET and returns the body as it was sent, not decompressed. */
function get(url: string, headers: Record<string, string> = {}): Promise<Received> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { headers, agent: false }, async (response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of response) chunks.push(chunk as Buffer);
      resolve({ status: response.statusCode, headers: response.headers, bytes: Buffer.concat(chunks) });
    });
    sent.on('error', reject).end();
  });
}

const DECODE = { br: brotliDecompressSync, gzip: gunzipSync };

describe('a static body', () => {
  let server: Server;
  let url: string;
  let builds = 0;
  const text = 'The same text. '.repeat(1_000);

  beforeAll(async () => {
    const app = new Koa();
    const build = async () => {
      builds++;
      return text;
    };
    app.use(staticBody(build, { type: 'text/plain', cache: 'revalidate' }));
    server = createServer(app.callback());
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(() => server.close());

  it('is built once, however many requests there are at once and in whatever encoding', async () => {
    const encodings = ['br', 'gzip', 'identity', 'zstd', ''];
    const all = await Promise.all(
      Array.from({ length: 100 }, (_, n) => get(url, { 'Accept-Encoding': encodings[n % 5] as string })),
    );
    expect(all.map(({ status }) => status)).toEqual(Array(100).fill(200));
    expect(builds).toBe(1);
    for (const { headers, bytes } of all) {
      const encoding = headers['content-encoding'] as keyof typeof DECODE | undefined;
      expect((encoding ? DECODE[encoding](bytes) : bytes).toString()).toBe(text);
    }
    // One strong ETag per encoding.
    const etags = new Set(all.map(({ headers }) => headers.etag));
    expect(etags.size).toBe(3);
    for (const etag of etags) expect(etag).toMatch(/^"[\w-]+"$/);
  });

  it('is 304 for a client that has it, and 200 for one that has another encoding or version', async () => {
    const first = await get(url, { 'Accept-Encoding': 'br' });
    const etag = first.headers.etag as string;
    const again = await get(url, { 'Accept-Encoding': 'br', 'If-None-Match': `"other", ${etag}` });
    expect([again.status, again.bytes.length, again.headers.etag]).toEqual([304, 0, etag]);
    expect(again.headers.vary).toContain('Accept-Encoding');
    expect((await get(url, { 'If-None-Match': etag })).status).toBe(200);
    expect((await get(url, { 'Accept-Encoding': 'br', 'If-None-Match': '"other"' })).status).toBe(200);
  });
});

describe('public pages', () => {
  let node: TestService;
  beforeAll(async () => {
    node = await startTestService();
  });
  afterAll(() => node.stop());

  it.each([
    '/',
    '/claim/new',
    '/legal/terms',
    '/legal/privacy',
    '/docs',
    '/docs/errors',
    '/docs/api/memories',
    '/docs/errors.md',
    '/openapi.json',
    STYLE.path,
    COPY_SCRIPT.path,
  ])('%s is compressed and has an ETag', async (path) => {
    const plain = await get(node.url + path, { 'Accept-Encoding': 'identity' });
    expect(plain.status).toBe(200);
    for (const encoding of ['br', 'gzip'] as const) {
      const sent = await get(node.url + path, { 'Accept-Encoding': encoding });
      expect(sent.headers['content-encoding']).toBe(encoding);
      expect(sent.headers['content-length']).toBe(String(sent.bytes.length));
      expect(DECODE[encoding](sent.bytes)).toEqual(plain.bytes);
      const headers = { 'Accept-Encoding': encoding, 'If-None-Match': sent.headers.etag as string };
      expect((await get(node.url + path, headers)).status).toBe(304);
    }
  });
});
