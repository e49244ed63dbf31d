import type { Context } from 'koa';

/** Name of the session cookie, without the prefix that HTTPS adds. */
export const SESSION_COOKIE = 'wm_session';

/** Returns whether a browser has a session cookie, valid or not. */
export function hasSessionCookie(ctx: Context): boolean {
  return [true, false].some((isSecure) => getCookie(ctx, isSecure, SESSION_COOKIE) !== undefined);
}

/** Returns whether browsers reach the service by HTTPS. */
export function isSecureService(publicUrl: string): boolean {
  return publicUrl.startsWith('https:');
}

/**
 * Returns the value of a cookie.
 * @param isSecure whether the service is reached by HTTPS. TLS may end at a proxy, so Koa does not know it.
 */
export function getCookie(ctx: Context, isSecure: boolean, name: string): string | undefined {
  return ctx.cookies.get(cookieName(isSecure, name));
}

/** Sets a cookie that scripts cannot read. Undefined deletes it. */
export function setCookie(
  ctx: Context,
  isSecure: boolean,
  name: string,
  cookie: { value: string; maxAgeMs: number } | undefined,
): void {
  ctx.cookies.secure = isSecure;
  ctx.cookies.set(cookieName(isSecure, name), cookie?.value, {
    httpOnly: true,
    sameSite: 'lax',
    secure: isSecure,
    path: '/',
    overwrite: true,
    ...(cookie && { maxAge: cookie.maxAgeMs }),
  });
}

/** Adds the prefix that binds a cookie to this host and to HTTPS, so that no other subdomain can set one of this name. */
function cookieName(isSecure: boolean, name: string): string {
  return isSecure ? `__Host-${name}` : name;
}
