import type Router from '@koa/router';
import { WebStandardStreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/webStandardStreamableHttp.js';
import {
  ErrorCode,
  isInitializeRequest,
  isJSONRPCRequest,
  type JSONRPCMessage,
  type JSONRPCResponse,
  SUPPORTED_PROTOCOL_VERSIONS,
} from '@modelcontextprotocol/sdk/types.js';
import type { Context } from 'koa';
import type { Caller } from '../api/context.ts';
import { Problem } from '../api/errors.ts';
import { readJson } from '../api/http/body.ts';
import { authenticateRequest, callOf } from '../api/http/call.ts';
import { defaultProjectOf } from '../api/http/headers.ts';
import { stateOf } from '../api/http/request-state.ts';
import type { PipelineDependencies } from '../api/pipeline/dependencies.ts';
import { createMessageMeter, type MessageMeter } from './message-meter.ts';
import { type Checked, checkMessage, normalizeMessage } from './messages.ts';
import { RECALL_PROMPT } from './prompts.ts';
import { createServer } from './server.ts';

interface McpOptions {
  bodyBytesMax: number;
  publicUrl: () => string;
}

/**
 * Mounts MCP over Streamable HTTP, stateless: a server per request and JSON responses, so any node can serve a request and
 * clients do not notice a restart. There are no streams and no sessions: other methods return 405.
 */
export function mountMcp(router: Router, pipeline: PipelineDependencies, options: McpOptions): void {
  router.post('/mcp', async (ctx: Context) => {
    const transport = ctx.get('X-WhiteMagic-Transport') === 'mcp_stdio' ? 'mcp_stdio' : 'mcp_http';
    const caller = await authenticateRequest(ctx, pipeline, transport);
    const meter = createMessageMeter(pipeline, caller, (headers) => ctx.set(headers));
    try {
      await servePost({ ctx, pipeline, caller, meter, ...options });
    } finally {
      await meter.settle();
    }
  });
  router.all('/mcp', (ctx: Context) => rejectMethod(ctx, pipeline));
}

/**
 * Rejects a request that is not a POST. The key is checked first, because clients that were rejected try GET next, and report
 * only its error.
 */
async function rejectMethod(ctx: Context, pipeline: PipelineDependencies): Promise<void> {
  const caller = await authenticateRequest(ctx, pipeline, 'mcp_http');
  await createMessageMeter(pipeline, caller, (headers) => ctx.set(headers)).settle();
  ctx.set('Allow', 'POST');
  throw new Problem('method_not_allowed', {
    detail: 'Send JSON-RPC messages by POST. There are no streams and no sessions.',
  });
}

/** One request to `/mcp`. */
interface Post extends McpOptions {
  ctx: Context;
  pipeline: PipelineDependencies;
  caller: Caller;
  meter: MessageMeter;
}

async function servePost(post: Post): Promise<void> {
  const { ctx, caller, meter } = post;
  const project = defaultProjectOf(ctx, ctx.URL.searchParams.get('project'));
  if (project !== undefined) caller.project = project;
  const body = await readMessage(ctx, post.bodyBytesMax);
  const received = Array.isArray(body) ? body : [body];
  meter.received(received.length);
  if (received.length > BATCH_MAX) {
    return respondError(ctx, ErrorCode.InvalidRequest, `Invalid request: a batch may have ${BATCH_MAX} messages.`);
  }
  const messages = received.map(normalizeMessage).map(checkMessage);
  for (const message of messages) learnClient(post, message);
  stateOf(ctx).operation = messages.map(methodOf).join(',').slice(0, 100);
  const isServed = isSupportedVersion(ctx.get('MCP-Protocol-Version')) && !messages.includes('invalid');
  await meter.charge(messages.filter((message) => !isServed || !isMetered(message)).length);
  if (body === UNREADABLE) return respondError(ctx, ErrorCode.ParseError, 'Parse error: the body is not JSON.');
  const checked = messages.filter((message) => message !== 'invalid');
  if (checked.length === 0 || checked.length < messages.length) {
    return respondError(ctx, ErrorCode.InvalidRequest, 'Invalid request: the body is not a JSON-RPC 2.0 message.');
  }
  await (Array.isArray(body) ? serveBatch(post, checked) : serveOne(post, checked[0]));
}

async function serveOne(post: Post, checked: Checked | undefined): Promise<void> {
  const { ctx } = post;
  if (checked?.error) return respond(ctx, 200, JSON.stringify(checked.error));
  if (!checked?.message) return respond(ctx, 202, '');
  const { status, text } = await serve(post, checked.message);
  respond(ctx, status, text);
}

/** Serves the messages of a batch. Their ids need not be unique: the SDK gets the positions of requests as ids. */
async function serveBatch(post: Post, checked: readonly Checked[]): Promise<void> {
  const { ctx } = post;
  const numbered = checked.flatMap(({ message }, position) => {
    // Its request id would be taken for a position. A request of the same batch cannot be cancelled anyway.
    if (!message || ('method' in message && message.method === 'notifications/cancelled')) return [];
    return [isJSONRPCRequest(message) ? { ...message, id: position } : message];
  });
  const served = numbered.length > 0 ? await serve(post, numbered) : { status: 202, text: '' };
  if (served.status >= 400) return respond(ctx, served.status, served.text);
  const results: JSONRPCResponse[] = served.text === '' ? [] : [JSON.parse(served.text)].flat();
  const byPosition = new Map(results.map((result) => [result.id, result]));
  const responses = checked.flatMap<JSONRPCResponse>(({ message, error }, position) => {
    const result = byPosition.get(position);
    if (error) return [error];
    return result && isJSONRPCRequest(message) ? [{ ...result, id: message.id }] : [];
  });
  respond(ctx, responses.length > 0 ? 200 : 202, responses.length > 0 ? JSON.stringify(responses) : '');
}

/** Has the SDK serve a message or a batch. */
async function serve(
  { ctx, pipeline, caller, meter, publicUrl }: Post,
  message: JSONRPCMessage | JSONRPCMessage[],
): Promise<{ status: number; text: string }> {
  const server = createServer({
    pipeline,
    newCall: (method) => {
      const call = callOf(ctx, pipeline, caller, method);
      // The request's bytes are counted once, with the first call of a batch.
      stateOf(ctx).bytesIn = 0;
      return call;
    },
    publicUrl,
    onOutcome: meter.finished,
  });
  const transport = new WebStandardStreamableHTTPServerTransport({ enableJsonResponse: true });
  try {
    await server.connect(transport);
    const response = await transport.handleRequest(webRequest(ctx), { parsedBody: message });
    return { status: response.status, text: await response.text() };
  } finally {
    await server.close();
  }
}

function respond(ctx: Context, status: number, text: string): void {
  ctx.body = text === '' ? null : text;
  if (text !== '') ctx.type = 'application/json';
  // Koa sets 204 for an empty body, but the response to a notification is 202.
  ctx.status = status;
}

/** Messages that one request may have. */
const BATCH_MAX = 100;

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

/** Remembers how the client names itself: it does so only when it connects. */
function learnClient({ ctx, pipeline, caller }: Post, checked: Checked | 'invalid'): void {
  if (checked === 'invalid' || !isInitializeRequest(checked.message)) return;
  pipeline.clients.learn(caller.keyId, ctx.get('User-Agent'), checked.message.params.clientInfo);
}

function methodOf(checked: Checked | 'invalid'): string {
  if (checked === 'invalid' || checked.error) return 'invalid';
  return checked.message && 'method' in checked.message ? checked.message.method : 'response';
}

/** Requests that the pipeline meters and limits one by one. */
const METERED = ['tools/call', 'resources/read', 'prompts/get'];

/** Returns whether the pipeline meters a message. Invalid requests and all others are protocol messages. */
function isMetered(checked: Checked | 'invalid'): boolean {
  const message = checked === 'invalid' ? undefined : checked.message;
  if (!isJSONRPCRequest(message) || !METERED.includes(message.method)) return false;
  return message.method !== 'prompts/get' || message.params?.name === RECALL_PROMPT;
}

/** Returns whether the SDK knows a protocol version. It rejects requests with others. */
function isSupportedVersion(version: string): boolean {
  return version === '' || SUPPORTED_PROTOCOL_VERSIONS.includes(version);
}
