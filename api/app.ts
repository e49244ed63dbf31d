import Router from '@koa/router';
import Koa from 'koa';
import { listServiceDays } from '../db/queries/jobs/service-days.ts';
import { mountMcp } from '../mcp/http.ts';
import { MCP_REFERENCE } from '../mcp/reference.ts';
import type { WhopOAuth } from './auth/whop-login.ts';
import type { Config } from './config.ts';
import { rejectOtherMethods } from './http/middleware/allowed-methods.ts';
import { closeConnections } from './http/middleware/close-connections.ts';
import { errorHandler } from './http/middleware/error-handler.ts';
import { exactPaths } from './http/middleware/exact-paths.ts';
import { warnOfUntrustedProxy } from './http/middleware/forwarded-headers.ts';
import { checkOrigin } from './http/middleware/origin.ts';
import { requestLog } from './http/middleware/request-log.ts';
import { requireTls } from './http/middleware/require-tls.ts';
import { secureHeaders } from './http/middleware/secure-headers.ts';
import { authRoutes } from './http/routes/auth.ts';
import { cliPackageRoute } from './http/routes/cli-package.ts';
import { dashboardRoutes } from './http/routes/dashboard.ts';
import { docsRoutes } from './http/routes/docs.ts';
import { healthRoutes, type Readiness } from './http/routes/health.ts';
import { loginRoutes } from './http/routes/login.ts';
import { metricsRoutes } from './http/routes/metrics.ts';
import { operationRoutes, publicRoutes } from './http/routes/operations.ts';
import { pageRoutes } from './http/routes/pages.ts';
import { statusRoutes } from './http/routes/status.ts';
import { secretScanningRoutes } from './http/routes/webhooks/github.ts';
import { whopWebhookRoutes } from './http/routes/webhooks/whop.ts';
import type { Logger } from './observability/log.ts';
import type { PipelineDependencies } from './pipeline/dependencies.ts';

interface AppParts {
  config: Config;
  pipeline: PipelineDependencies;
  log: Logger;
  /** Returns the public URL, which is known only once the service listens. */
  publicUrl: () => string;
  readiness: () => Promise<Readiness>;
  /** Returns whether the service stops. */
  isStopping?: () => boolean;
  /** Milliseconds in which the body of a request must arrive; undefined for the default. */
  bodyMs?: number | undefined;
}

/** Composes the Koa app: middleware in order, then the routes. */
export function createApp({
  config,
  pipeline,
  log,
  publicUrl,
  readiness,
  isStopping = () => false,
  bodyMs,
}: AppParts): Koa {
  const app = new Koa({ proxy: config.trustProxy > 0, maxIpsCount: config.trustProxy });
  const probes = new Router();
  healthRoutes(probes, readiness, isStopping);
  metricsRoutes(probes, pipeline.metrics, config.metricsToken);
  const router = new Router();
  const { isSignupOpen, hasLocalAccount } = config;
  const signIn = { ...pipeline, oauth: whopOAuth(config), publicUrl, isSignupOpen };
  pageRoutes(router, signIn, config);
  const readDays = (from: string) => listServiceDays(pipeline.database.owner, from);
  statusRoutes(router, { readiness, readDays, now: pipeline.now });
  cliPackageRoute(router);
  authRoutes(router, signIn);
  loginRoutes(router, signIn, { hasWhop: signIn.oauth !== undefined, isLocal: hasLocalAccount, isSignupOpen });
  dashboardRoutes(router, signIn);
  docsRoutes(router, publicUrl, MCP_REFERENCE);
  publicRoutes(router, pipeline, config.bodyBytesMax);
  secretScanningRoutes(router, pipeline, config.bodyBytesMax);
  operationRoutes(router, pipeline, config.bodyBytesMax);
  whopWebhookRoutes(router, pipeline, config.bodyBytesMax);
  mountMcp(router, pipeline, { bodyBytesMax: config.bodyBytesMax, publicUrl });

  // Errors while a body is being sent: a client that disconnected, a file that was replaced.
  app.on('error', (error) => log.info({ err: error }, 'a response was not sent completely'));
  app.use(closeConnections(isStopping));
  app.use(requestLog({ log, newId: pipeline.newId, bodyMs, metrics: pipeline.metrics }));
  app.use(errorHandler({ log, publicUrl, metrics: pipeline.metrics }));
  app.use(secureHeaders);
  if (config.trustProxy === 0) app.use(warnOfUntrustedProxy(log));
  // Before the check of the host name: probes use the IP address of the machine.
  app.use(probes.routes());
  app.use(requireTls({ publicUrl, log }));
  app.use(checkOrigin({ publicUrl, allowedOrigins: config.allowedOrigins, host: config.host }));
  app.use(exactPaths());
  app.use(router.routes());
  app.use(rejectOtherMethods(router.allowedMethods()));
  return app;
}

/** Returns the OAuth app at Whop; undefined where none is configured. */
function whopOAuth({ whop: { oauth } }: Config): WhopOAuth | undefined {
  const { clientId, clientSecret, url } = oauth;
  return clientId && clientSecret ? { clientId, clientSecret, url } : undefined;
}
