import Router from '@koa/router';
import Koa from 'koa';
import { mountMcp } from '../mcp/http.ts';
import type { Config } from './config.ts';
import type { Gates } from './gates/run.ts';
import { answers, secureHeaders } from './middleware/answers.ts';
import { refuseOtherMethods } from './middleware/methods.ts';
import { checkOrigin } from './middleware/origin.ts';
import type { Logger } from './observe/log.ts';
import { docsRoutes } from './routes/docs.ts';
import { healthRoutes, type Readiness } from './routes/health.ts';
import { operationRoutes, publicRoutes } from './routes/operations.ts';

export interface AppParts {
  config: Config;
  gates: Gates;
  log: Logger;
  /** Known only once the service listens. */
  publicUrl: () => string;
  readiness: () => Promise<Readiness>;
}

/** The Koa app: middleware in order, then the routes. */
export function createApp({ config, gates, log, publicUrl, readiness }: AppParts): Koa {
  const app = new Koa({ proxy: config.trustProxy > 0, maxIpsCount: config.trustProxy });
  const probes = new Router();
  healthRoutes(probes, readiness);
  const router = new Router();
  docsRoutes(router, publicUrl);
  publicRoutes(router, gates);
  operationRoutes(router, gates, config.bodyBytesMax);
  mountMcp(router, gates, { bodyBytesMax: config.bodyBytesMax, publicUrl });

  app.use(answers({ log, newId: gates.newId, publicUrl }));
  app.use(secureHeaders);
  // Probes come by the address of the machine, whatever it is called.
  app.use(probes.routes());
  app.use(checkOrigin({ publicUrl, allowedOrigins: config.allowedOrigins, host: config.host }));
  app.use(router.routes());
  app.use(refuseOtherMethods(router.allowedMethods()));
  return app;
}
