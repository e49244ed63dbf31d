import { createServer, type Server as HttpServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { CallToolRequestSchema, ListToolsRequestSchema } from '@modelcontextprotocol/sdk/types.js';

/** A request as a hand-made service saw it. */
export interface Seen {
  method: string;
  url: string;
  headers: IncomingMessage['headers'];
  body: string;
  /** The parsed body, or an empty object. */
  rpc: { id?: unknown; method?: string; params?: Record<string, unknown> };
}

export type Handler = (seen: Seen, response: ServerResponse, request: IncomingMessage) => unknown;

/** A service on a loopback port, with everything it was sent. */
export interface Service {
  url: string;
  port: number;
  seen: Seen[];
  /** Ends it the hard way: open connections are cut. */
  stop: () => Promise<void>;
}

/** Starts a service that answers by `handler`. */
export async function startService(handler: Handler, port = 0): Promise<Service> {
  const seen: Seen[] = [];
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

async function readRequest(request: IncomingMessage): Promise<Seen> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const body = Buffer.concat(chunks).toString('utf8');
  const rpc = body.startsWith('{') ? (JSON.parse(body) as Seen['rpc']) : {};
  return { method: request.method ?? '', url: request.url ?? '', headers: request.headers, body, rpc };
}

/** Answers with JSON. */
export function json(
  response: ServerResponse,
  body: unknown,
  status = 200,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { 'Content-Type': 'application/json', ...headers }).end(JSON.stringify(body));
}

/** Answers with an RFC 9457 problem, as WhiteMagic does. */
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

/** The plainest right answer: a tool result with the arguments, or an `initialize` result. */
export function answerRightly(seen: Seen, response: ServerResponse): void {
  const { id, method, params } = seen.rpc;
  if (id === undefined) return void response.writeHead(202).end();
  if (method === 'initialize') {
    const result = { protocolVersion: '2025-06-18', capabilities: {}, serverInfo: { name: 'hand-made', version: '1' } };
    json(response, { jsonrpc: '2.0', id, result });
  } else json(response, { jsonrpc: '2.0', id, result: { echo: params } });
}

/** A real MCP server of the SDK on node:http, a new one for each request, as the service does it. */
export function mcpHandler(mode: 'json' | 'sse', key = 'wm_test_key'): Handler {
  return async (seen, response, request) => {
    if (seen.url === '/health' || seen.url === '/ready') return json(response, { status: 'ok' });
    if (seen.method !== 'POST') return void response.writeHead(405, { Allow: 'POST' }).end();
    if (seen.headers.authorization !== `Bearer ${key}`)
      return problem(response, 401, 'invalid_key', 'The API key is not known.');
    const transport = new StreamableHTTPServerTransport({ enableJsonResponse: mode === 'json' });
    const server = makeServer();
    await server.connect(transport);
    response.on('close', () => void server.close());
    await transport.handleRequest(request, response, seen.rpc);
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
      // The SDK's client forgets who listens as soon as it has read the answer, even if it read both at once.
      await sleep(50);
    }
    return { content: [{ type: 'text', text: String(input?.text) }] };
  });
  return server;
}
