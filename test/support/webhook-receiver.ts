import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Json } from './client.ts';

/** A request that a receiver got. */
export interface ReceivedEvent {
  path: string;
  id: string;
  headers: IncomingHttpHeaders;
  text: string;
  body: Json;
}

export interface WebhookReceiver {
  /** Base URL; each path is a receiver of its own. */
  url: string;
  received: ReceivedEvent[];
  /** Returns what a path received. */
  at(path: string): ReceivedEvent[];
  /** Responds to a path from now on; 204 by default. */
  respond(path: string, respond: (event: ReceivedEvent, response: ServerResponse) => void): void;
  close(): void;
}

/** Starts an HTTP server that records what webhooks send. */
export async function startWebhookReceiver(): Promise<WebhookReceiver> {
  const received: ReceivedEvent[] = [];
  const responders = new Map<string, (event: ReceivedEvent, response: ServerResponse) => void>();
  const server = createServer(async (request, response) => {
    const pieces: Buffer[] = [];
    for await (const piece of request) pieces.push(piece as Buffer);
    const text = Buffer.concat(pieces).toString();
    const { headers, url: path = '' } = request;
    const event = { path, id: String(headers['webhook-id']), headers, text, body: JSON.parse(text) };
    received.push(event);
    const respond = responders.get(path);
    if (respond) respond(event, response);
    else response.writeHead(204).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received,
    at: (path) => received.filter((event) => event.path === path),
    respond: (path, respond) => void responders.set(path, respond),
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}
