import { type Agent, type IncomingHttpHeaders, request } from 'node:http';

export interface HttpRequest {
  method: string;
  /** Absolute path: `/api/v1/…`, `/mcp`. */
  path: string;
  body?: unknown;
}

export interface HttpResponse {
  status: number;
  headers: Omit<IncomingHttpHeaders, string> & Record<string, string | undefined>;
  // biome-ignore lint/suspicious/noExplicitAny: the service validates its responses; the fields read here are compared
  body: any;
}

/**
 * Sends one HTTP request on a connection of `agent` and reads the response. Never resends it, as `fetch` may: each
 * request sent is one call. Rejects when the response is missing or incomplete.
 */
export function sendRequest(
  agent: Agent,
  url: string,
  apiKey: string,
  { method, path, body }: HttpRequest,
  idempotencyKey?: string,
): Promise<HttpResponse> {
  const text = body === undefined ? undefined : JSON.stringify(body);
  const headers = {
    Authorization: `Bearer ${apiKey}`,
    ...(text !== undefined && { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(text) }),
    ...(idempotencyKey && { 'Idempotency-Key': idempotencyKey }),
  };
  return new Promise((resolve, reject) => {
    const sent = request(`${url}${path}`, { method, agent, headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk) => chunks.push(chunk));
      response.once('error', reject);
      response.once('end', () => {
        try {
          const headers = response.headers as HttpResponse['headers'];
          resolve({ status: response.statusCode ?? 0, headers, body: JSON.parse(Buffer.concat(chunks).toString()) });
        } catch (error) {
          reject(error);
        }
      });
    });
    sent.once('error', reject);
    sent.end(text);
  });
}
