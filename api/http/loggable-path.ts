/** `/claim/<token>`, in any case; `/claim/new` has no token. */
const ACTIVATION_LINK = /\/claim\/+(?!new\/?$)./i;
/** `/login/<token>`, in any case. */
const SIGN_IN_LINK = /\/login\/+./i;
/** The token of an activation link, a sign-in link or a session, or an API key. */
const SECRETS = /[A-Za-z0-9_-]{43,}|wm_[a-z0-9]+_[A-Za-z0-9]{32}/gi;

/**
 * Returns a path without secrets, for logs: the token of an unused activation link creates a key, that of a sign-in link a session. Routes
 * match in any case, so paths are compared in any case, and with their percent-encoding decoded.
 */
export function loggablePath(path: string): string {
  const decoded = path.replace(/%([0-9a-f]{2})/gi, (_match, hex) => String.fromCharCode(Number.parseInt(hex, 16)));
  if (ACTIVATION_LINK.test(decoded)) return '/claim/…';
  if (SIGN_IN_LINK.test(decoded)) return '/login/…';
  const masked = decoded.replace(SECRETS, '…');
  return masked === decoded ? path : masked;
}
