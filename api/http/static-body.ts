import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { brotliCompress, gzip, constants as zlib } from 'node:zlib';
import type { Context } from 'koa';
import { memoizeAsync } from '../../db/client/memoize-async.ts';
import { signedInPage } from '../pages/layout.ts';
import { hasSessionCookie } from './cookies.ts';
import { PAGE_HEADERS } from './respond.ts';

const compressBrotli = promisify(brotliCompress);
const compressGzip = promisify(gzip);

/** Nearly as small as the best, and fast: the script of the reference takes a tenth of a second of a worker thread, once. */
const BROTLI_QUALITY = 5;

/** Caching of a body at a path that always has this content, and of one that may change with the next release. */
const CACHE_CONTROL = {
  immutable: 'public, max-age=31536000, immutable',
  revalidate: 'public, max-age=0, must-revalidate',
};

interface StaticOptions {
  /** Media type, such as `text/html`. */
  type: string;
  cache: keyof typeof CACHE_CONTROL;
}

interface Encoded {
  bytes: Buffer;
  etag: string;
}

type Encoding = 'br' | 'gzip' | 'identity';

/** Sends a body that does not depend on the request. */
export type StaticBody = (ctx: Context) => Promise<void>;

/**
 * Creates a body that is built and compressed once, at its first request. Its responses have a strong ETag, one per encoding, and
 * are 304 for a client that has the body already.
 * @param build returns the content; called once, so it may depend on what is known only after the start
 */
export function staticBody(
  build: () => string | Buffer | Promise<string | Buffer>,
  { type, cache }: StaticOptions,
): StaticBody {
  const content = memoizeAsync(async () => {
    const bytes = Buffer.from(await build());
    return { bytes, hash: createHash('sha256').update(bytes).digest('base64url').slice(0, 22) };
  });
  const encode = (encoding: Encoding, compress: (bytes: Buffer) => Buffer | Promise<Buffer>) =>
    memoizeAsync(async (): Promise<Encoded> => {
      const { bytes, hash } = await content();
      return { bytes: await compress(bytes), etag: `"${hash}-${encoding}"` };
    });
  const encodings: Record<Encoding, () => Promise<Encoded>> = {
    br: encode('br', (bytes) =>
      compressBrotli(bytes, {
        params: { [zlib.BROTLI_PARAM_QUALITY]: BROTLI_QUALITY, [zlib.BROTLI_PARAM_SIZE_HINT]: bytes.length },
      }),
    ),
    gzip: encode('gzip', (bytes) => compressGzip(bytes)),
    identity: encode('identity', (bytes) => bytes),
  };
  return async (ctx) => {
    const accepted = ctx.acceptsEncodings('br', 'gzip', 'identity');
    const encoding: Encoding = accepted === 'br' || accepted === 'gzip' ? accepted : 'identity';
    const { bytes, etag } = await encodings[encoding]();
    ctx.status = 200;
    ctx.type = type;
    ctx.vary('Accept-Encoding');
    ctx.set({ ETag: etag, 'Cache-Control': CACHE_CONTROL[cache] });
    if (encoding !== 'identity') ctx.set('Content-Encoding', encoding);
    if (ctx.fresh) {
      ctx.status = 304;
      return;
    }
    ctx.body = bytes;
  };
}

/**
 * Creates an HTML page that depends only on whether the browser has a session cookie.
 * @param headers security headers, where they differ from those of other pages
 */
export function staticPage(build: () => string, headers: Record<string, string> = PAGE_HEADERS): StaticBody {
  const options = { type: 'text/html', cache: 'revalidate' } as const;
  const [signedOut, signedIn] = [staticBody(build, options), staticBody(() => signedInPage(build()), options)];
  return (ctx) => {
    ctx.set(headers);
    ctx.vary('Cookie');
    return hasSessionCookie(ctx) ? signedIn(ctx) : signedOut(ctx);
  };
}
