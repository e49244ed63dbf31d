import { createRootRoute, createRoute, createRouter, Link, lazyRouteComponent } from '@tanstack/react-router';
import { ApiError } from './api/client.ts';
import { EmptyState, ErrorPanel, Loading } from './components/feedback.tsx';
import { AppFrame } from './frame/app-frame.tsx';
import { readKeysSearch } from './screens/keys/search.ts';
import { parseBrowseSearch } from './screens/memories/search-params.ts';
import { readRequestsSearch, readUsageSearch } from './screens/usage/search.ts';
import { readWebhookSearch } from './screens/webhooks/search.ts';

const WEBHOOK_STATES = ['dead', 'pending', 'processed', 'ignored', 'all'] as const;
const MAIL_STATES = ['failed', 'pending', 'rejected', 'sent', 'all'] as const;

const root = createRootRoute({ component: AppFrame, notFoundComponent: NotFound });

const index = createRoute({
  getParentRoute: () => root,
  path: '/',
  component: lazyRouteComponent(() => import('./screens/home/start-screen.tsx'), 'StartScreen'),
});

const home = createRoute({
  getParentRoute: () => root,
  path: '/home',
  component: lazyRouteComponent(() => import('./screens/home/home-screen.tsx'), 'HomeScreen'),
});

const keys = createRoute({
  getParentRoute: () => root,
  path: '/keys',
  validateSearch: readKeysSearch,
  component: lazyRouteComponent(() => import('./screens/keys/keys-screen.tsx'), 'KeysScreen'),
});

const usage = createRoute({
  getParentRoute: () => root,
  path: '/usage',
  validateSearch: readUsageSearch,
  component: lazyRouteComponent(() => import('./screens/usage/usage-screen.tsx'), 'UsageScreen'),
});

const requests = createRoute({
  getParentRoute: () => root,
  path: '/requests',
  validateSearch: readRequestsSearch,
  component: lazyRouteComponent(() => import('./screens/usage/requests-screen.tsx'), 'RequestsScreen'),
});

const connect = createRoute({
  getParentRoute: () => root,
  path: '/connect',
  component: lazyRouteComponent(() => import('./screens/connect/connect-screen.tsx'), 'ConnectScreen'),
});

const authorize = createRoute({
  getParentRoute: () => root,
  path: '/authorize/$id',
  component: lazyRouteComponent(() => import('./screens/authorize/authorize-screen.tsx'), 'AuthorizeScreen'),
});

const device = createRoute({
  getParentRoute: () => root,
  path: '/device',
  validateSearch: (raw: Record<string, unknown>): { code?: string } =>
    typeof raw.code === 'string' ? { code: raw.code } : {},
  component: lazyRouteComponent(() => import('./screens/device/device-screen.tsx'), 'DeviceScreen'),
});

const memories = createRoute({
  getParentRoute: () => root,
  path: '/memories',
  validateSearch: parseBrowseSearch,
  component: lazyRouteComponent(() => import('./screens/memories/memories-screen.tsx'), 'MemoriesScreen'),
});

const memory = createRoute({
  getParentRoute: () => root,
  path: '/memories/$id',
  validateSearch: (raw: Record<string, unknown>): { edit?: boolean } => (raw.edit === true ? { edit: true } : {}),
  component: lazyRouteComponent(() => import('./screens/memories/memory-screen.tsx'), 'MemoryScreen'),
});

const tags = createRoute({
  getParentRoute: () => root,
  path: '/memories/tags',
  component: lazyRouteComponent(() => import('./screens/memories/tags-screen.tsx'), 'TagsScreen'),
});

const projects = createRoute({
  getParentRoute: () => root,
  path: '/memories/projects',
  component: lazyRouteComponent(() => import('./screens/memories/projects-screen.tsx'), 'ProjectsScreen'),
});

const duplicates = createRoute({
  getParentRoute: () => root,
  path: '/memories/duplicates',
  component: lazyRouteComponent(() => import('./screens/memories/duplicates-screen.tsx'), 'DuplicatesScreen'),
});

const consolidate = createRoute({
  getParentRoute: () => root,
  path: '/memories/consolidate',
  component: lazyRouteComponent(() => import('./screens/memories/consolidate-screen.tsx'), 'ConsolidateScreen'),
});

const context = createRoute({
  getParentRoute: () => root,
  path: '/memories/context',
  component: lazyRouteComponent(() => import('./screens/memories/context-screen.tsx'), 'ContextScreen'),
});

const account = createRoute({
  getParentRoute: () => root,
  path: '/account',
  component: lazyRouteComponent(() => import('./screens/account/account-screen.tsx'), 'AccountScreen'),
});

const importRoute = createRoute({
  getParentRoute: () => root,
  path: '/memories/import',
  validateSearch: (raw: Record<string, unknown>): { id?: string } => (typeof raw.id === 'string' ? { id: raw.id } : {}),
  component: lazyRouteComponent(() => import('./screens/import/import-screen.tsx'), 'ImportScreen'),
});

const webhooks = createRoute({
  getParentRoute: () => root,
  path: '/webhooks',
  component: lazyRouteComponent(() => import('./screens/webhooks/webhooks-screen.tsx'), 'WebhooksScreen'),
});

const webhook = createRoute({
  getParentRoute: () => root,
  path: '/webhooks/$id',
  validateSearch: readWebhookSearch,
  component: lazyRouteComponent(() => import('./screens/webhooks/webhook-screen.tsx'), 'WebhookScreen'),
});

const admin = createRoute({
  getParentRoute: () => root,
  path: '/admin',
  validateSearch: ({ q }: Record<string, unknown>): { q?: string } =>
    typeof q === 'string' || typeof q === 'number' ? { q: String(q) } : {},
  component: lazyRouteComponent(() => import('./screens/admin/accounts-screen.tsx'), 'AccountsScreen'),
});

const adminAccount = createRoute({
  getParentRoute: () => root,
  path: '/admin/users/$id',
  component: lazyRouteComponent(() => import('./screens/admin/account-screen.tsx'), 'AccountScreen'),
});

const adminWebhooks = createRoute({
  getParentRoute: () => root,
  path: '/admin/webhooks',
  validateSearch: ({ state }: Record<string, unknown>): { state?: (typeof WEBHOOK_STATES)[number] } =>
    withOneOf(state, WEBHOOK_STATES),
  component: lazyRouteComponent(() => import('./screens/admin/webhooks-screen.tsx'), 'WebhooksScreen'),
});

const adminJobs = createRoute({
  getParentRoute: () => root,
  path: '/admin/jobs',
  component: lazyRouteComponent(() => import('./screens/admin/jobs-screen.tsx'), 'JobsScreen'),
});

const adminMails = createRoute({
  getParentRoute: () => root,
  path: '/admin/mails',
  validateSearch: (search: Record<string, unknown>): { state?: (typeof MAIL_STATES)[number]; user?: string } => ({
    ...withOneOf(search.state, MAIL_STATES),
    ...(typeof search.user === 'string' && { user: search.user }),
  }),
  component: lazyRouteComponent(() => import('./screens/admin/mails-screen.tsx'), 'MailsScreen'),
});

const adminWhop = createRoute({
  getParentRoute: () => root,
  path: '/admin/whop',
  component: lazyRouteComponent(() => import('./screens/admin/whop-screen.tsx'), 'WhopScreen'),
});

/** The screens by path below `/app`. Each is loaded when it is first opened. */
export const router = createRouter({
  routeTree: root.addChildren([
    index,
    home,
    connect,
    authorize,
    device,
    memories,
    memory,
    tags,
    projects,
    duplicates,
    consolidate,
    context,
    account,
    keys,
    usage,
    requests,
    importRoute,
    webhooks,
    webhook,
    admin,
    adminAccount,
    adminWebhooks,
    adminJobs,
    adminMails,
    adminWhop,
  ]),
  basepath: '/app',
  defaultPreload: 'intent',
  defaultPendingComponent: () => <Loading />,
  defaultErrorComponent: ({ error, reset }) => <ErrorPanel error={toApiError(error)} onRetry={reset} />,
  scrollRestoration: true,
});

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router;
  }
}

/** Returns the search parameter `state`, where it is one of the known values. */
function withOneOf<State extends string>(value: unknown, states: readonly State[]): { state?: State } {
  const state = states.find((known) => known === value);
  return state === undefined ? {} : { state };
}

function NotFound() {
  return (
    <EmptyState title="There is no such screen" action={<Link to="/connect">Go to Connect</Link>}>
      The address may be from an older version.
    </EmptyState>
  );
}

/** A part of the dashboard that could not be loaded is an error to read too: after a new release, its files have other names. */
function toApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  const message = error instanceof Error ? error.message : String(error);
  const isOutdated = /dynamically imported|module script|preload/i.test(message);
  return new ApiError(0, {
    title: isOutdated ? 'The dashboard was updated' : 'This screen has an error',
    detail: isOutdated ? 'Reload the page to get the new version.' : message,
  });
}
