import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';

/** An MCP message that passed, with the status of its response. */
export interface PassedMessage {
  method: string;
  status: number;
  /** Product token of the client that the service records. */
  client: string | undefined;
}

/** A proxy between a client and the service that records the MCP messages. */
export interface RecordingProxy {
  url: string;
  messages: PassedMessage[];
  stop(): Promise<void>;
}

/** Starts a proxy in front of a service. @param port the port of a former one, to take its place */
export async function startRecordingProxy(serviceUrl: string, port = 0): Promise<RecordingProxy> {
  const messages: PassedMessage[] = [];
  const server = createServer((req, res) => void forward(serviceUrl, req, res, messages));
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { url, messages, stop: () => close(server) };
}

async function forward(serviceUrl: string, req: IncomingMessage, res: ServerResponse, messages: PassedMessage[]) {
  const body = await buffer(req);
  const headers = { ...req.headers, host: new URL(serviceUrl).host };
  const upstream = request(serviceUrl + req.url, { method: req.method, headers }, (response) => {
    const status = response.statusCode ?? 0;
    const method = methodOf(body) ?? (req.url?.startsWith('/mcp') ? `${req.method}` : undefined);
    const client = req.headers['x-whitemagic-client'] ?? req.headers['user-agent'];
    if (method) messages.push({ method, status, client: client?.toString() });
    res.writeHead(status, response.headers);
    response.pipe(res);
  });
  upstream.on('error', () => res.destroy());
  upstream.end(body);
}

function methodOf(body: Buffer): string | undefined {
  try {
    return (JSON.parse(body.toString()) as { method?: string }).method;
  } catch {
    return undefined;
  }
}

function close(server: Server): Promise<void> {
  server.closeAllConnections();
  return new Promise((resolve) => server.close(() => resolve()));
}
