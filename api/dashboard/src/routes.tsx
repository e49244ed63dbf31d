import { createRootRoute, createRoute, createRouter, Link, lazyRouteComponent, redirect } from '@tanstack/react-router';
import { ApiError } from './api/client.ts';
import { EmptyState, ErrorPanel, Loading } from './components/feedback.tsx';
import { AppFrame } from './frame/app-frame.tsx';

const root = createRootRoute({ component: AppFrame, notFoundComponent: NotFound });

const index = createRoute({
  getParentRoute: () => root,
  path: '/',
  beforeLoad: () => {
    throw redirect({ to: '/connect' });
  },
});

const connect = createRoute({
  getParentRoute: () => root,
  path: '/connect',
  component: lazyRouteComponent(() => import('./screens/connect/connect-screen.tsx'), 'ConnectScreen'),
});

/** The screens by path below `/app`. Each is loaded when it is first opened. */
export const router = createRouter({
  routeTree: root.addChildren([index, connect]),
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
