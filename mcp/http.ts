import type Router from '@koa/router';
import { WebStandardStreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/webStandardStreamableHttp.js';
import type { Context } from 'koa';
import type { Caller } from '../api/domain.ts';
import { Problem } from '../api/errors.ts';
import { authenticateRequest, callOf, readJson, stateOf } from '../api/gates/koa.ts';
import { takeProtocolAllowance } from '../api/gates/limit.ts';
import type { Gates } from '../api/gates/run.ts';
import { createServer } from './server.ts';

export interface McpOptions {
  bodyBytesMax: number;
  publicUrl: () => string;
}

/** Methods whose calls are metered and limited one by one, inside the pipeline. */
const METERED = new Set(['tools/call', 'resources/read', 'prompts/get']);

/**
 * MCP over Streamable HTTP, stateless: a server per request, JSON answers, nothing kept, so any node answers and a restart
 * is not noticed. There is no stream to open and no session to end: GET and DELETE are 405.
 */
export function mountMcp(router: Router, gates: Gates, options: McpOptions): void {
  router.post('/mcp', async (ctx: Context) => {
    const door = ctx.get('X-WhiteMagic-Door') === 'mcp-stdio' ? 'mcp-stdio' : 'mcp-http';
    const caller = await authenticateRequest(ctx, gates, door, ctx.URL.searchParams.get('project') ?? undefined);
    const message = await readMessage(ctx, options.bodyBytesMax);
    if (message === undefined) return;
    stateOf(ctx).operation = methodsOf(message).join(',').slice(0, 100);
    if (methodsOf(message).some((method) => !METERED.has(method))) await takeProtocolAllowance(gates.limiter, caller);
    await serve(ctx, gates, caller, message, options);
  });
}

async function serve(ctx: Context, gates: Gates, caller: Caller, message: unknown, options: McpOptions): Promise<void> {
  const server = createServer({
    gates,
    newCall: (method) => callOf(ctx, gates, caller, method),
    publicUrl: options.publicUrl,
  });
  const transport = new WebStandardStreamableHTTPServerTransport({ enableJsonResponse: true });
  try {
    await server.connect(transport);
    const response = await transport.handleRequest(webRequest(ctx), { parsedBody: message });
    ctx.status = response.status;
    for (const [name, value] of response.headers) ctx.set(name, value);
    const text = await response.text();
    ctx.body = text === '' ? null : text;
    // Koa makes 204 of an empty body; a notification is answered 202.
    ctx.status = response.status;
  } finally {
    await server.close();
  }
}

/** The JSON-RPC message of a request. What is no JSON is answered here, in JSON-RPC's own shape, and undefined comes back. */
async function readMessage(ctx: Context, bodyBytesMax: number): Promise<unknown> {
  try {
    return (await readJson(ctx, bodyBytesMax)) ?? null;
  } catch (error) {
    if (!(error instanceof Problem) || error.code !== 'malformed_request') throw error;
    ctx.status = 400;
    ctx.body = { jsonrpc: '2.0', id: null, error: { code: -32700, message: `Parse error: ${error.message}` } };
    return undefined;
  }
}

function webRequest(ctx: Context): Request {
  const headers = new Headers({ 'Content-Type': 'application/json', Accept: 'application/json, text/event-stream' });
  // Clients that ask for JSON only get what they ask for anyway, so their Accept is not held against them.
  const version = ctx.get('MCP-Protocol-Version');
  if (version) headers.set('MCP-Protocol-Version', version);
  return new Request('http://localhost/mcp', { method: 'POST', headers });
}

function methodsOf(message: unknown): string[] {
  const messages = Array.isArray(message) ? message : [message];
  return messages.map((one) => (one && typeof one === 'object' && 'method' in one ? String(one.method) : 'answer'));
}
