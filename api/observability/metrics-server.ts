import { createServer } from 'node:http';
import type { Metrics } from './metrics.ts';

/** A server of `/metrics` and `/health`, for a port that only the monitoring can reach. */
export interface MetricsServer {
  port: number;
  close(): Promise<void>;
}

/**
 * Serves the metrics of a process without a token, and `/health`.
 * @throws when the port is taken
 */
export function startMetricsServer(metrics: Pick<Metrics, 'text'>, port: number, host: string): Promise<MetricsServer> {
  const server = createServer((request, response) => {
    if (request.url === '/health') {
      response.writeHead(200, { 'Content-Type': 'application/json' }).end('{"status":"ok"}');
    } else if (request.url === '/metrics') {
      metrics.text().then(
        ({ type, body }) => response.writeHead(200, { 'Content-Type': type }).end(body),
        () => response.writeHead(503).end(),
      );
    } else response.writeHead(404).end();
  });
  server.requestTimeout = 10_000;
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      const address = server.address();
      resolve({
        port: typeof address === 'object' && address ? address.port : port,
        close: () =>
          new Promise((done) => {
            server.close(() => done());
            server.closeAllConnections();
          }),
      });
    });
  });
}
