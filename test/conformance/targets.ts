import { createServer, type RequestListener, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import Router from '@koa/router';
import Koa from 'koa';
import { errorHandler } from '../../api/http/middleware/error-handler.ts';
import { checkOrigin } from '../../api/http/middleware/origin.ts';
import { requestLog } from '../../api/http/middleware/request-log.ts';
import { newId } from '../../api/ids.ts';
import { generateKey } from '../../api/keys/key-format.ts';
import { localLimiter } from '../../api/limits/local-limiter.ts';
import { createLog } from '../../api/observability/log.ts';
import { createMetrics } from '../../api/observability/metrics.ts';
import type { PipelineDependencies } from '../../api/pipeline/dependencies.ts';
import { createClientNames } from '../../api/usage/client-names.ts';
import { mountMcp } from '../../mcp/http.ts';
import { defineFixtures } from './fixtures.ts';

/** A server under test. */
export interface Target {
  /** URL of `/mcp`. */
  url: string;
  close(): void;
}

async function listen(listener: RequestListener): Promise<{ server: Server; url: string }> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

/** Serves a target without a key: adds the key to each request, which the suites cannot. A foreign `Host` is passed on as it is. */
export async function startProxy(target: string, apiKey: string): Promise<Target> {
  const to = new URL(target);
  const { server, url } = await listen((incoming, outgoing) => {
    const own = new Set([`127.0.0.1:${port()}`, `localhost:${port()}`]);
    const headers: Record<string, unknown> = { ...incoming.headers, authorization: `Bearer ${apiKey}` };
    if (own.has(incoming.headers.host ?? '')) headers.host = to.host;
    if (own.has(incoming.headers.origin?.replace('http://', '') ?? '')) headers.origin = to.origin;
    const { hostname, port: toPort } = to;
    const { method, url: path } = incoming;
    const forwarded = request(
      { hostname, port: toPort, method, path, headers: headers as Record<string, string> },
      (response) => {
        outgoing.writeHead(response.statusCode ?? 502, response.headers);
        response.pipe(outgoing);
      },
    );
    forwarded.on('error', () => outgoing.destroy());
    outgoing.on('close', () => forwarded.destroy());
    incoming.pipe(forwarded);
  });
  const port = () => (server.address() as AddressInfo).port;
  return { url: `${url}/mcp`, close: () => void server.close() };
}

/** Mounts the fixtures of the suites on the transport of the service, with the same checks of host, origin and key. */
export async function startFixtures(): Promise<Target & { apiKey: string }> {
  const apiKey = generateKey('test');
  let url = '';
  const app = new Koa();
  const router = new Router();
  const pipeline = fixturePipeline(() => url);
  mountMcp(router, pipeline, { bodyBytesMax: 1_000_000, publicUrl: () => url, define: defineFixtures });
  const log = createLog({ level: 'silent', pretty: false });
  app.use(requestLog({ log, newId, metrics: pipeline.metrics }));
  app.use(errorHandler({ log, publicUrl: () => url, metrics: pipeline.metrics }));
  app.use(checkOrigin({ publicUrl: () => url, allowedOrigins: [], host: '127.0.0.1' }));
  app.use(router.routes());
  const { server, url: base } = await listen(app.callback());
  url = base;
  return { url: base, apiKey, close: () => void server.close() };
}

/** The part of the pipeline that the transport uses: fixtures reach no operation and no database. */
function fixturePipeline(publicUrl: () => string): PipelineDependencies {
  const owner = {
    user_id: 'u',
    key_id: 'k',
    scopes: ['memories:read', 'memories:write'],
    plan: 'enterprise',
    status: 'active',
    rpm_limit: null,
    expires_at: null,
    revoked_at: null,
    // Always fresh, so that no use has to be stored.
    get last_used_at() {
      return new Date();
    },
    overrides: { requests_per_minute: 1e9, requests_per_day: 1e9 },
  };
  return {
    keys: { find: async () => owner, knows: () => true, forget: () => undefined, onChange: () => undefined },
    limiter: localLimiter(async () => 0),
    metrics: createMetrics(),
    clients: createClientNames(),
    now: () => new Date(),
    newId,
    publicUrl,
    onFault: () => undefined,
  } as unknown as PipelineDependencies;
}
