import type { Middleware } from 'koa';
import { Problem } from '../../errors.ts';

export interface OriginOptions {
  publicUrl: () => string;
  allowedOrigins: readonly string[];
  /** Where the service listens. */
  host: string;
}

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/;
const ADDRESS = /^(\d{1,3}(\.\d{1,3}){3}|\[[0-9a-f:.]+\])$/i;
const EXPOSED =
  'ETag, Location, RateLimit, RateLimit-Policy, Retry-After, X-Request-Id, X-Usage-Event, Idempotency-Replayed, WWW-Authenticate';

/**
 * Refuses host names that are not ours, so that no web page can reach a local service by DNS rebinding, and origins that
 * were not allowed; programs and IDEs send no `Origin` and pass. Answers CORS for the allowed ones.
 * (MCP, Streamable HTTP, "Security Warning".)
 * @throws Problem `host_not_allowed`, `origin_not_allowed`
 */
export function checkOrigin(options: OriginOptions): Middleware {
  return async function hostAndOrigin(ctx, next) {
    if (!isOurHost(ctx.hostname, options)) {
      throw new Problem('host_not_allowed', {
        detail: `Call ${options.publicUrl()}, or set PUBLIC_URL to the name you call.`,
      });
    }
    const origin = ctx.get('Origin');
    ctx.vary('Origin');
    if (origin !== '') {
      if (!isAllowedOrigin(origin, options)) throw new Problem('origin_not_allowed');
      ctx.set('Access-Control-Allow-Origin', origin);
      ctx.set('Access-Control-Expose-Headers', EXPOSED);
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

function isOurHost(hostname: string, { publicUrl, host }: OriginOptions): boolean {
  const name = hostname.toLowerCase();
  if (LOOPBACK.test(name) || name === new URL(publicUrl()).hostname || name === host) return true;
  // A numeric address cannot be rebound; a service that listens beyond loopback is meant to be reached by its own.
  return ADDRESS.test(name) && !LOOPBACK.test(host);
}

function isAllowedOrigin(origin: string, { publicUrl, allowedOrigins }: OriginOptions): boolean {
  if (allowedOrigins.includes(origin) || origin === new URL(publicUrl()).origin) return true;
  // Local tools (the MCP inspector, a page under development) may reach a local service only.
  return (
    URL.canParse(origin) && LOOPBACK.test(new URL(origin).hostname) && LOOPBACK.test(new URL(publicUrl()).hostname)
  );
}
