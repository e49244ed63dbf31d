import { createServer, type Server as HttpServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { CallToolRequestSchema, ListToolsRequestSchema } from '@modelcontextprotocol/sdk/types.js';

/** A request that a fake service received. */
interface ReceivedRequest {
  method: string;
  url: string;
  headers: IncomingMessage['headers'];
  body: string;
  /** The parsed body, or an empty object. */
  rpc: { id?: unknown; method?: string; params?: Record<string, unknown> };
}

export type Handler = (received: ReceivedRequest, response: ServerResponse, request: IncomingMessage) => unknown;

/** A fake service on a loopback port, with the requests it received. */
export interface Service {
  url: string;
  port: number;
  seen: ReceivedRequest[];
  /** Stops it and closes open connections. */
  stop: () => Promise<void>;
}

/** Starts a fake service that responds with `handler`. */
export async function startService(handler: Handler, port = 0): Promise<Service> {
  const seen: ReceivedRequest[] = [];
  const server: HttpServer = createServer(async (request, response) => {
    const one = await readRequest(request).catch(() => undefined);
    if (!one) return;
    seen.push(one);
    await handler(one, response, request);
  });
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, '127.0.0.1', resolve));
  const listening = (server.address() as AddressInfo).port;
  const stop = () => {
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    server.closeAllConnections();
    return closed;
  };
  return { url: `http://127.0.0.1:${listening}`, port: listening, seen, stop };
}

async function readRequest(request: IncomingMessage): Promise<ReceivedRequest> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const body = Buffer.concat(chunks).toString('utf8');
  const rpc = body.startsWith('{') ? (JSON.parse(body) as ReceivedRequest['rpc']) : {};
  return { method: request.method ?? '', url: request.url ?? '', headers: request.headers, body, rpc };
}

/** Responds with JSON. */
export function json(
  response: ServerResponse,
  body: unknown,
  status = 200,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { 'Content-Type': 'application/json', ...headers }).end(JSON.stringify(body));
}

/** Responds with an RFC 9457 problem, as the service does. */
export function problem(
  response: ServerResponse,
  status: number,
  code: string,
  detail: string,
  headers: Record<string, string> = {},
): void {
  const body = { type: `https://whitemagic.dev/errors/${code}`, title: code, status, detail, code };
  json(response, body, status, { 'Content-Type': 'application/problem+json', ...headers });
}

/** Responds with a successful result: to `initialize` as a server, to other requests with their parameters. */
export function respondSuccessfully(received: ReceivedRequest, response: ServerResponse): void {
  const { id, method, params } = received.rpc;
  if (id === undefined) return void response.writeHead(202).end();
  if (method === 'initialize') {
    const result = { protocolVersion: '2025-06-18', capabilities: {}, serverInfo: { name: 'fake', version: '1' } };
    json(response, { jsonrpc: '2.0', id, result });
  } else json(response, { jsonrpc: '2.0', id, result: { echo: params } });
}

/** Returns the handler of a real MCP server of the SDK, one per request, as in the service. */
export function mcpHandler(mode: 'json' | 'sse', key = 'wm_test_key'): Handler {
  return async (received, response, request) => {
    if (received.url === '/health' || received.url === '/ready') return json(response, { status: 'ok' });
    if (received.method !== 'POST') return void response.writeHead(405, { Allow: 'POST' }).end();
    if (received.headers.authorization !== `Bearer ${key}`)
      return problem(response, 401, 'invalid_key', 'The API key is not known.');
    const transport = new StreamableHTTPServerTransport({ enableJsonResponse: mode === 'json' });
    const server = makeServer();
    await server.connect(transport);
    response.on('close', () => void server.close());
    await transport.handleRequest(request, response, received.rpc);
  };
}

function makeServer(): Server {
  const server = new Server({ name: 'whitemagic-test', version: '1.0.0' }, { capabilities: { tools: {} } });
  const inputSchema = { type: 'object' as const, properties: { text: { type: 'string' } } };
  server.setRequestHandler(ListToolsRequestSchema, () => ({
    tools: ['echo', 'slow_echo', 'progress'].map((name) => ({ name, description: `The ${name} tool`, inputSchema })),
  }));
  server.setRequestHandler(CallToolRequestSchema, async (request, extra) => {
    const { name, arguments: input } = request.params;
    if (name === 'slow_echo') await sleep(Math.random() * 200);
    const progressToken = request.params._meta?.progressToken;
    for (let progress = 1; name === 'progress' && progressToken !== undefined && progress <= 3; progress++) {
      await extra.sendNotification({ method: 'notifications/progress', params: { progressToken, progress, total: 3 } });
      // The SDK's client removes the progress handler when it reads the response, even if it read both at once.
      await sleep(50);
    }
    return { content: [{ type: 'text', text: String(input?.text) }] };
  });
  return server;
}
