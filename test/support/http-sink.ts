import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { gunzipSync } from 'node:zlib';

/** A local server that keeps what is sent to it, in place of a service that receives logs, traces or reports. */
export interface HttpSink {
  url: string;
  port: number;
  /** Requests that were received, in order, with uncompressed bodies. */
  requests: { path: string; headers: IncomingHttpHeaders; body: string }[];
  close(): Promise<void>;
}

/** Starts a sink that responds to each request with an empty JSON object. */
export async function startHttpSink(): Promise<HttpSink> {
  const requests: HttpSink['requests'] = [];
  const server = createServer(async (request, response) => {
    const sent = await buffer(request);
    const { headers, url: path = '' } = request;
    const body = (headers['content-encoding'] === 'gzip' ? gunzipSync(sent) : sent).toString();
    requests.push({ path, headers, body });
    response.writeHead(200, { 'Content-Type': 'application/json' }).end('{}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    requests,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
