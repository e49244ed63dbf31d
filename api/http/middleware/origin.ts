import type { Middleware } from 'koa';
import { Problem } from '../../errors.ts';

interface OriginOptions {
  publicUrl: () => string;
  allowedOrigins: readonly string[];
  /** Address on which the service listens. */
  host: string;
}

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/;
const IP_ADDRESS = /^(\d{1,3}(\.\d{1,3}){3}|\[[0-9a-f:.]+\])$/i;
const EXPOSED_HEADERS =
  'ETag, Location, RateLimit, RateLimit-Policy, Retry-After, X-Request-Id, X-Usage-Event, Idempotency-Replayed, WWW-Authenticate';

/**
 * Rejects other host names than the service's own, so that no web page can reach a local service by DNS rebinding, and origins
 * that are not allowed. Adds CORS headers for the allowed ones. Programs and IDEs send no `Origin`. (MCP, Streamable HTTP,
 * "Security Warning".)
 * @throws Problem `host_not_allowed`, `origin_not_allowed`
 */
export function checkOrigin(options: OriginOptions): Middleware {
  return async function hostAndOrigin(ctx, next) {
    if (!isOwnHost(ctx.hostname, options)) {
      throw new Problem('host_not_allowed', {
        detail: `Use ${options.publicUrl()}, or set PUBLIC_URL to the host name that you use.`,
      });
    }
    const origin = ctx.get('Origin');
    ctx.vary('Origin');
    if (origin !== '') {
      if (!isAllowedOrigin(origin, options)) throw new Problem('origin_not_allowed');
      ctx.set('Access-Control-Allow-Origin', origin);
      ctx.set('Access-Control-Expose-Headers', EXPOSED_HEADERS);
      if (ctx.method === 'OPTIONS' && ctx.get('Access-Control-Request-Method') !== '') {
        ctx.set('Access-Control-Allow-Methods', 'GET, POST, PUT, PATCH, DELETE');
        ctx.set('Access-Control-Allow-Headers', ctx.get('Access-Control-Request-Headers'));
        ctx.set('Access-Control-Max-Age', '600');
        ctx.status = 204;
        return;
      }
    }
    await next();
  };
}

function isOwnHost(hostname: string, { publicUrl, host }: OriginOptions): boolean {
  const name = hostname.toLowerCase();
  if (LOOPBACK.test(name) || name === new URL(publicUrl()).hostname || name === host) return true;
  // DNS rebinding needs a name, so a numeric address is safe. It is used where the service listens beyond loopback.
  return IP_ADDRESS.test(name) && !LOOPBACK.test(host);
}

function isAllowedOrigin(origin: string, { publicUrl, allowedOrigins }: OriginOptions): boolean {
  if (allowedOrigins.includes(origin) || origin === new URL(publicUrl()).origin) return true;
  // Local tools (the MCP inspector, a page under development) may reach only a local service.
  return (
    URL.canParse(origin) && LOOPBACK.test(new URL(origin).hostname) && LOOPBACK.test(new URL(publicUrl()).hostname)
  );
}
