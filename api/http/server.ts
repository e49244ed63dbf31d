import { createServer, type RequestListener, type Server } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Time that an idle connection is kept, and that the headers of a request may take. Proxies keep idle connections for 60 s (nginx,
 * AWS, Google): if this service closed them first, a request on its way would be reset.
 */
const KEEP_ALIVE_MS = 65_000;
const HEADERS_MS = 66_000;
/** Time that a whole request may take. Bodies that are read have a shorter limit of their own (`readBytes`). */
const REQUEST_MS = 70_000;
/** Interval between checks of the two limits above. */
const CHECK_MS = 5_000;
/** Silence after which a connection with an unfinished response is closed: its client does not read. */
const SILENCE_MS = 120_000;

/** Maximum time for open requests once connections are no longer accepted. */
export const DRAIN_MS = 8_000;
/** Time for the first request of connections that were accepted just before. */
const UNUSED_MS = 300;
const POLL_MS = 20;

/** An HTTP server that stops in steps. */
export interface HttpServer {
  server: Server;
  /** True from the beginning of the stop on: `/ready` is red, and responses close their connections. */
  readonly isStopping: boolean;
  /**
   * Stops. For `graceMs` it serves as before, so that a balancer sees the red `/ready`. Then it accepts no more connections, and
   * waits for the requests of those it has, at most `drainMs`.
   */
  stop(graceMs: number, drainMs?: number): Promise<void>;
}

/** Creates a server that does not listen yet, with time limits that suit a proxy in front of it. */
export function createHttpServer(handle: RequestListener): HttpServer {
  const options = {
    keepAliveTimeout: KEEP_ALIVE_MS,
    headersTimeout: HEADERS_MS,
    requestTimeout: REQUEST_MS,
    connectionsCheckingInterval: CHECK_MS,
  };
  const server = createServer(options, handle);
  server.timeout = SILENCE_MS;
  let isStopping = false;
  let open = 0;
  let lastRequestAt = 0;
  server.on('request', (_request, response) => {
    open++;
    response.once('close', () => {
      open--;
      lastRequestAt = performance.now();
    });
  });

  return {
    server,
    get isStopping() {
      return isStopping;
    },
    async stop(graceMs, drainMs = DRAIN_MS) {
      isStopping = true;
      if (graceMs > 0) await sleep(graceMs);
      const closed = new Promise((resolve) => server.close(resolve));
      const closedAt = performance.now();
      const poll = setInterval(() => {
        const now = performance.now();
        server.closeIdleConnections();
        // Connections without any request do not count as idle.
        const isUnused = open === 0 && now - Math.max(closedAt, lastRequestAt) >= UNUSED_MS;
        if (isUnused || now - closedAt >= drainMs) server.closeAllConnections();
      }, POLL_MS);
      await closed;
      clearInterval(poll);
    },
  };
}
