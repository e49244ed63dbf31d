import { request } from 'node:http';
import type { Answer, Json } from './client.ts';

/** A request as no well-behaved client would send it: any header, any bytes, a foreign `Host`. */
export interface RawRequest {
  method?: string;
  /** From the root, as it stands in the request line. */
  path: string;
  headers?: Record<string, string>;
  body?: Uint8Array | string;
}

/** Sends a request to a service and reads its answer. */
export function sendRaw(url: string, { method = 'GET', path, headers, body }: RawRequest): Promise<Answer<Json>> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const sent = request({ hostname, port, method, path, headers, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString();
        const answered = new Headers();
        for (const [name, value] of Object.entries(response.headers)) answered.set(name, String(value));
        const json = answered.get('content-type')?.includes('json') && text !== '';
        resolve({
          status: response.statusCode ?? 0,
          headers: answered,
          text,
          body: json ? JSON.parse(text) : undefined,
        });
      });
    });
    sent.on('error', reject);
    sent.end(body);
  });
}
