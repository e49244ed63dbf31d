import { type Agent, type IncomingHttpHeaders, request } from 'node:http';

export interface Request {
  method: string;
  /** From the root: `/api/v1/…`, `/mcp`. */
  path: string;
  body?: unknown;
}

export interface Reply {
  status: number;
  headers: Omit<IncomingHttpHeaders, string> & Record<string, string | undefined>;
  // biome-ignore lint/suspicious/noExplicitAny: the service checks its answers itself; what is read of them is compared
  body: any;
}

/**
 * Makes one HTTP request on a connection of `agent` and reads the whole answer. Never repeats it, as `fetch` may: each
 * request that leaves is one call. Rejects when no whole answer came.
 */
export function send(
  agent: Agent,
  url: string,
  apiKey: string,
  { method, path, body }: Request,
  idempotencyKey?: string,
): Promise<Reply> {
  const text = body === undefined ? undefined : JSON.stringify(body);
  const headers = {
    Authorization: `Bearer ${apiKey}`,
    ...(text !== undefined && { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(text) }),
    ...(idempotencyKey && { 'Idempotency-Key': idempotencyKey }),
  };
  return new Promise((resolve, reject) => {
    const sent = request(`${url}${path}`, { method, agent, headers }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on('data', (chunk) => chunks.push(chunk));
      answer.once('error', reject);
      answer.once('end', () => {
        try {
          const headers = answer.headers as Reply['headers'];
          resolve({ status: answer.statusCode ?? 0, headers, body: JSON.parse(Buffer.concat(chunks).toString()) });
        } catch (error) {
          reject(error);
        }
      });
    });
    sent.once('error', reject);
    sent.end(text);
  });
}
