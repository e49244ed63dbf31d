import type Router from '@koa/router';
import { WebStandardStreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/webStandardStreamableHttp.js';
import {
  CallToolRequestSchema,
  ErrorCode,
  GetPromptRequestSchema,
  isJSONRPCRequest,
  JSONRPCMessageSchema,
  ReadResourceRequestSchema,
} from '@modelcontextprotocol/sdk/types.js';
import type { Context } from 'koa';
import type { Caller } from '../api/context.ts';
import { Problem } from '../api/errors.ts';
import { authenticateRequest, callOf, defaultProjectOf, readJson, stateOf } from '../api/http/koa.ts';
import type { PipelineDependencies } from '../api/pipeline/dependencies.ts';
import { consumeProtocolRateLimit } from '../api/pipeline/rate-limit.ts';
import { RECALL_PROMPT } from './prompts.ts';
import { createServer } from './server.ts';

export interface McpOptions {
  bodyBytesMax: number;
  publicUrl: () => string;
}

/**
 * Mounts MCP over Streamable HTTP, stateless: a server per request and JSON responses, so any node can serve a request and
 * clients do not notice a restart. There are no streams and no sessions: GET and DELETE return 405.
 */
export function mountMcp(router: Router, pipeline: PipelineDependencies, options: McpOptions): void {
  router.post('/mcp', async (ctx: Context) => {
    const transport = ctx.get('X-WhiteMagic-Transport') === 'mcp_stdio' ? 'mcp_stdio' : 'mcp_http';
    const caller = await authenticateRequest(ctx, pipeline, transport);
    const project = defaultProjectOf(ctx, ctx.URL.searchParams.get('project'));
    if (project !== undefined) caller.project = project;
    const message = await readMessage(ctx, options.bodyBytesMax);
    const messages = Array.isArray(message) ? message : [message];
    stateOf(ctx).operation = messages.map(methodOf).join(',').slice(0, 100);
    const unmetered = messages.filter((one) => !isMetered(one)).length;
    if (unmetered > 0) ctx.set(await consumeProtocolRateLimit(pipeline, caller, unmetered));
    if (message === UNREADABLE) return respondError(ctx, ErrorCode.ParseError, 'Parse error: the body is not JSON.');
    if (messages.length === 0 || !messages.every((one) => JSONRPCMessageSchema.safeParse(one).success)) {
      return respondError(ctx, ErrorCode.InvalidRequest, 'Invalid request: the body is not a JSON-RPC 2.0 message.');
    }
    await serve(ctx, pipeline, caller, message, options);
  });
}

async function serve(
  ctx: Context,
  pipeline: PipelineDependencies,
  caller: Caller,
  message: unknown,
  options: McpOptions,
): Promise<void> {
  const server = createServer({
    pipeline,
    newCall: (method) => {
      const call = callOf(ctx, pipeline, caller, method);
      // The request's bytes are counted once, with the first call of a batch.
      stateOf(ctx).bytesIn = 0;
      return call;
    },
    publicUrl: options.publicUrl,
    onOutcome: ({ headers }) => {
      for (const name of RATE_HEADERS) if (headers[name]) ctx.set(name, headers[name]);
    },
  });
  const transport = new WebStandardStreamableHTTPServerTransport({ enableJsonResponse: true });
  try {
    await server.connect(transport);
    const response = await transport.handleRequest(webRequest(ctx), { parsedBody: message });
    ctx.status = response.status;
    for (const [name, value] of response.headers) ctx.set(name, value);
    const text = await response.text();
    ctx.body = text === '' ? null : text;
    // Koa sets 204 for an empty body, but the response to a notification is 202.
    ctx.status = response.status;
  } finally {
    await server.close();
  }
}

/** Headers of an outcome that belong to the HTTP response. With several calls in a request the last one wins. */
const RATE_HEADERS = ['RateLimit-Policy', 'RateLimit'];

const UNREADABLE = Symbol('not JSON');

/** Reads the JSON-RPC message of a request; {@link UNREADABLE} for a body that is not JSON. */
async function readMessage(ctx: Context, bodyBytesMax: number): Promise<unknown> {
  try {
    return (await readJson(ctx, bodyBytesMax)) ?? null;
  } catch (error) {
    if (error instanceof Problem && error.code === 'malformed_request') return UNREADABLE;
    throw error;
  }
}

/** Responds with a JSON-RPC error, which is what MCP clients read. */
function respondError(ctx: Context, code: ErrorCode, message: string): void {
  ctx.status = 400;
  ctx.body = { jsonrpc: '2.0', id: null, error: { code, message } };
}

function webRequest(ctx: Context): Request {
  const headers = new Headers({ 'Content-Type': 'application/json', Accept: 'application/json, text/event-stream' });
  // Responses are always JSON, so clients that accept nothing else are served too; the SDK would reject them.
  const version = ctx.get('MCP-Protocol-Version');
  if (version) headers.set('MCP-Protocol-Version', version);
  return new Request('http://localhost/mcp', { method: 'POST', headers });
}

function methodOf(message: unknown): string {
  return message && typeof message === 'object' && 'method' in message ? String(message.method) : 'response';
}

/** Requests that the pipeline meters and limits one by one. */
const METERED = [CallToolRequestSchema, ReadResourceRequestSchema, GetPromptRequestSchema];

/** Returns whether the pipeline meters a message. Malformed requests and all others are protocol messages. */
function isMetered(message: unknown): boolean {
  if (!isJSONRPCRequest(message) || !METERED.some((schema) => schema.safeParse(message).success)) return false;
  return message.method !== 'prompts/get' || message.params?.name === RECALL_PROMPT;
}
