import type { Middleware } from 'koa';
import type { Logger } from '../../observability/log.ts';

/** Headers that proxies add. */
const FORWARDED = ['X-Forwarded-For', 'X-Forwarded-Host', 'X-Forwarded-Proto', 'Forwarded', 'X-Real-IP'];

const ADVICE =
  'if a proxy stands in front of the service, set TRUST_PROXY to the number of proxies, or all callers share its IP address and its limits';

/** Logs at the start that a proxy is likely and none is trusted: this service speaks HTTP only, so another program ends TLS. */
export function warnOfTlsWithoutProxy(
  log: Logger,
  config: { publicUrl: string | undefined; trustProxy: number },
): void {
  if (config.trustProxy > 0 || !config.publicUrl?.startsWith('https:')) return;
  log.warn(`PUBLIC_URL begins with https: and TRUST_PROXY is 0: ${ADVICE}`);
}

/**
 * Logs the first request with headers of a proxy while no proxy is trusted. All callers behind such a proxy have one client IP
 * for the limits of requests without a key. The headers themselves are ignored.
 */
export function warnOfUntrustedProxy(log: Logger): Middleware {
  let isLogged = false;
  return function checkForwardedHeaders(ctx, next) {
    const header = isLogged ? undefined : FORWARDED.find((name) => ctx.get(name) !== '');
    if (header) {
      isLogged = true;
      log.warn(
        { header, peer: ctx.req.socket.remoteAddress },
        `a request has ${header}, and TRUST_PROXY is 0: ${ADVICE}`,
      );
    }
    return next();
  };
}
