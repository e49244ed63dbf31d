import { request } from 'node:http';
import type { ApiResponse, Json } from './client.ts';

/** A request that HTTP clients do not send: any header, any bytes, another `Host`. */
interface RawRequest {
  method?: string;
  /** Absolute path, sent unchanged in the request line. */
  path: string;
  headers?: Record<string, string>;
  body?: Uint8Array | string;
}

/** Sends a request and reads the response. */
export function sendRaw(url: string, { method = 'GET', path, headers, body }: RawRequest): Promise<ApiResponse<Json>> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const sent = request({ hostname, port, method, path, headers, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString();
        const responseHeaders = new Headers();
        for (const [name, value] of Object.entries(response.headers)) responseHeaders.set(name, String(value));
        const json = responseHeaders.get('content-type')?.includes('json') && text !== '';
        resolve({
          status: response.statusCode ?? 0,
          headers: responseHeaders,
          text,
          body: json ? JSON.parse(text) : undefined,
        });
      });
    });
    sent.on('error', reject);
    sent.end(body);
  });
}
