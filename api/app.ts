import Router from '@koa/router';
import Koa from 'koa';
import { mountMcp } from '../mcp/http.ts';
import type { WhopOAuth } from './auth/whop-login.ts';
import type { Config } from './config.ts';
import { refuseOtherMethods } from './http/middleware/methods.ts';
import { checkOrigin } from './http/middleware/origin.ts';
import { answers, secureHeaders } from './http/middleware/responses.ts';
import { authRoutes } from './http/routes/auth.ts';
import { docsRoutes } from './http/routes/docs.ts';
import { healthRoutes, type Readiness } from './http/routes/health.ts';
import { metricsRoutes } from './http/routes/metrics.ts';
import { operationRoutes, publicRoutes } from './http/routes/operations.ts';
import { pageRoutes } from './http/routes/pages.ts';
import { secretScanningRoutes } from './http/routes/webhooks/github.ts';
import { webhookRoutes } from './http/routes/webhooks/whop.ts';
import type { Logger } from './observability/log.ts';
import type { PipelineDependencies } from './pipeline/dependencies.ts';

export interface AppParts {
  config: Config;
  pipeline: PipelineDependencies;
  log: Logger;
  /** Known only once the service listens. */
  publicUrl: () => string;
  readiness: () => Promise<Readiness>;
}

/** The Koa app: middleware in order, then the routes. */
export function createApp({ config, pipeline, log, publicUrl, readiness }: AppParts): Koa {
  const app = new Koa({ proxy: config.trustProxy > 0, maxIpsCount: config.trustProxy });
  const probes = new Router();
  healthRoutes(probes, readiness);
  metricsRoutes(probes, pipeline.metrics, config.metricsToken);
  const router = new Router();
  const signIn = { ...pipeline, oauth: whopOAuth(config), publicUrl };
  pageRoutes(router, signIn, config);
  authRoutes(router, signIn);
  docsRoutes(router, publicUrl);
  publicRoutes(router, pipeline, config.bodyBytesMax);
  secretScanningRoutes(router, pipeline, config.bodyBytesMax);
  operationRoutes(router, pipeline, config.bodyBytesMax);
  webhookRoutes(router, pipeline, config.bodyBytesMax);
  mountMcp(router, pipeline, { bodyBytesMax: config.bodyBytesMax, publicUrl });

  // What breaks while an answer is on its way: a client that hung up, a file that was replaced.
  app.on('error', (error) => log.info({ err: error }, 'an answer did not reach its end'));
  app.use(answers({ log, newId: pipeline.newId, publicUrl, metrics: pipeline.metrics }));
  app.use(secureHeaders);
  // Probes come by the address of the machine, whatever it is called.
  app.use(probes.routes());
  app.use(checkOrigin({ publicUrl, allowedOrigins: config.allowedOrigins, host: config.host }));
  app.use(router.routes());
  app.use(refuseOtherMethods(router.allowedMethods()));
  return app;
}

/** Our app at Whop; undefined where there is none. */
function whopOAuth({ whop: { oauth } }: Config): WhopOAuth | undefined {
  const { clientId, clientSecret, url } = oauth;
  return clientId && clientSecret ? { clientId, clientSecret, url } : undefined;
}
