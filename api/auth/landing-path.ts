/** Path of the dashboard. */
export const DASHBOARD_PATH = '/app';
/** Path of the screen on which a new customer connects a client. */
export const CONNECT_PATH = '/app/connect';

const LENGTH_MAX = 500;
const ORIGIN = 'http://service.invalid';

/**
 * Returns the path that a sign-in leads to: the wanted one if it is a page of the dashboard, otherwise the dashboard. Other paths, and
 * addresses of other hosts in any notation, are ignored, so that a link to the sign-in cannot lead elsewhere.
 */
export function landingPath(wanted: string | undefined): string {
  if (!wanted || wanted.length > LENGTH_MAX || !URL.canParse(wanted, ORIGIN)) return DASHBOARD_PATH;
  const { origin, pathname, search } = new URL(wanted, ORIGIN);
  const isDashboard = pathname === DASHBOARD_PATH || pathname.startsWith(`${DASHBOARD_PATH}/`);
  return origin === ORIGIN && isDashboard ? pathname + search : DASHBOARD_PATH;
}

/** Returns the path of the sign-in page that leads to a page of the dashboard. */
export function signInPath(next: string): string {
  const landing = landingPath(next);
  return landing === DASHBOARD_PATH ? '/login' : `/login?${new URLSearchParams({ next: landing })}`;
}
