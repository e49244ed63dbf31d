import { request } from 'node:https';
import { Readable } from 'node:stream';
import type { ReadableStream } from 'node:stream/web';
import { HttpsProxyAgent } from 'https-proxy-agent';

const agents = new Map<string, HttpsProxyAgent<string>>();
/** Statuses whose responses have no body. */
const BODILESS = [101, 204, 205, 304];

/**
 * Sends a request through a tunnel of an HTTP proxy, and resolves to its response when the headers have arrived. Redirects are not
 * followed. The response of a proxy that rejects the tunnel is returned as it is.
 * @param init `method`, `headers`, a text as `body`, and `signal`
 */
export function fetchThroughProxy(url: URL, init: RequestInit, proxy: string): Promise<Response> {
  const agent = agents.get(proxy) ?? new HttpsProxyAgent(proxy, { keepAlive: true });
  agents.set(proxy, agent);
  const { method = 'GET', signal, body } = init;
  const headers = Object.fromEntries(new Headers(init.headers));
  return new Promise((resolve, reject) => {
    const sent = request(url, { method, headers, agent, ...(signal && { signal }) }, (response) => {
      const { statusCode: status = 502, statusMessage: statusText = '', rawHeaders } = response;
      const received = new Headers();
      for (let at = 0; at + 1 < rawHeaders.length; at += 2)
        received.append(rawHeaders[at] as string, rawHeaders[at + 1] as string);
      const stream = BODILESS.includes(status) ? null : (Readable.toWeb(response) as ReadableStream);
      resolve(
        new Response(stream as ConstructorParameters<typeof Response>[0], { status, statusText, headers: received }),
      );
    });
    sent.on('error', (error) => reject(signal?.aborted ? signal.reason : error));
    sent.end(body);
  });
}
