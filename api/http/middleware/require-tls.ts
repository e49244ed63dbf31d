import type { Context, Middleware } from 'koa';
import { Problem } from '../../errors.ts';
import { displayParts, hasKeyForm } from '../../keys/key-format.ts';
import type { Logger } from '../../observability/log.ts';

/** Time for which browsers use https only, in seconds: a year. */
const HSTS = 'max-age=31536000';
const SAFE_METHODS = new Set(['GET', 'HEAD']);

/**
 * Keeps plain HTTP away from a service with an https URL. What the proxy received unencrypted (`X-Forwarded-Proto: http`) is redirected
 * where it is a page without a key, and rejected otherwise; a key that was sent so is named in the log by its displayed parts, because
 * it may have been read on its way. Other responses make browsers use https only.
 * @throws Problem `tls_required`
 */
export function requireTls({ publicUrl, log }: { publicUrl: () => string; log: Logger }): Middleware {
  return async function tlsOnly(ctx, next) {
    const url = publicUrl();
    if (!url.startsWith('https:')) return next();
    if (receivedProtocol(ctx) !== 'http') {
      ctx.set('Strict-Transport-Security', HSTS);
      return next();
    }
    const key = sentKey(ctx);
    if (key !== undefined) {
      const { prefix, last4 } = displayParts(key);
      const shown = hasKeyForm(key) ? { key_prefix: prefix, key_last4: last4 } : {};
      log.warn(
        { ...shown, request_id: ctx.state.requestId },
        'an API key was sent over plain HTTP: it should be replaced',
      );
    } else if (SAFE_METHODS.has(ctx.method)) {
      // Not resolved against the URL: a path that begins with two slashes names another host.
      ctx.redirect(`${new URL(url).origin}${ctx.url}`);
      ctx.status = 308;
      return undefined;
    }
    throw new Problem('tls_required', {
      detail: key === undefined ? `Use ${url}.` : `Use ${url}. The key was sent unencrypted: replace it.`,
    });
  };
}

/** Returns the protocol by which the first proxy received the request, in lower case; empty where no trusted proxy says. */
function receivedProtocol(ctx: Context): string {
  if (!ctx.app.proxy) return '';
  return (ctx.get('X-Forwarded-Proto').split(',')[0] ?? '').trim().toLowerCase();
}

/** Returns what a request has in place of an API key; undefined if nothing. */
function sentKey(ctx: Context): string | undefined {
  const sent = ctx.get('Authorization').replace(/^Bearer\s+/i, '') || ctx.get('X-API-Key');
  return sent.trim() || undefined;
}
