import { Readable } from 'node:stream';
import type { ReadableStream } from 'node:stream/web';
import type Router from '@koa/router';
import type { Context } from 'koa';
import type { Caller } from '../api/context.ts';
import { invalidField, Problem } from '../api/errors.ts';
import { readJson } from '../api/http/body.ts';
import { authenticateRequest, callOf } from '../api/http/call.ts';
import { abortOnClose } from '../api/http/close-signal.ts';
import { defaultProjectOf, idempotencyKeyOf } from '../api/http/headers.ts';
import { stateOf } from '../api/http/request-state.ts';
import { setDefaultProject } from '../api/pipeline/default-project.ts';
import type { PipelineDependencies } from '../api/pipeline/dependencies.ts';
import { type Definition, RPC } from './definition.ts';
import { dispatch } from './dispatch.ts';
import { createInFlight, type InFlight } from './in-flight.ts';
import { LEGACY_VERSIONS, serveLegacy } from './legacy.ts';
import { createMessageMeter, type MessageMeter } from './message-meter.ts';
import {
  type Checked,
  checkMessage,
  clientInfoOf,
  errorResponse,
  isRequest,
  normalizeMessage,
  type RpcErrorResponse,
  type RpcMessage,
} from './messages.ts';
import { isModern, MODERN_VERSIONS, routingHeaders, serveModern } from './modern.ts';
import { TOOLSETS, type Toolset } from './registry.ts';
import { type Connection, defineServer, METERED_METHODS } from './server.ts';

interface McpOptions {
  bodyBytesMax: number;
  publicUrl: () => string;
  /** Defines the server of a request. Default: the tools, resources and prompts of this service. */
  define?: (connection: Connection) => Definition;
}

/**
 * Mounts MCP over Streamable HTTP for clients of every protocol version, stateless: a server per request, so any node can serve a
 * request and clients do not notice a restart. There are no sessions and no streams to listen to: other methods return 405.
 */
export function mountMcp(router: Router, pipeline: PipelineDependencies, options: McpOptions): void {
  const inFlight = createInFlight();
  router.post('/mcp', async (ctx: Context) => {
    const transport = ctx.get('X-WhiteMagic-Transport') === 'mcp_stdio' ? 'mcp_stdio' : 'mcp_http';
    const caller = await authenticateRequest(ctx, pipeline, transport);
    const meter = createMessageMeter(pipeline, caller, (headers) => ctx.set(headers));
    try {
      const toolset = toolsetOf(ctx.URL.searchParams.get('tools'));
      const controller = abortOnClose(ctx);
      caller.signal = controller.signal;
      await servePost({ ctx, pipeline, caller, meter, toolset, controller, inFlight, ...options });
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
  toolset: Toolset;
  /** Aborts when the client closes the connection or cancels the request. */
  controller: AbortController;
  inFlight: InFlight;
  /** Executes a call once, however often it is sent. A batch has none. */
  idempotencyKey?: string | undefined;
}

async function servePost(post: Post): Promise<void> {
  const { ctx, caller, meter } = post;
  setDefaultProject(caller, defaultProjectOf(ctx, ctx.URL.searchParams.get('project')));
  const idempotencyKey = idempotencyKeyOf(ctx);
  const body = await readMessage(ctx, post.bodyBytesMax);
  const received = Array.isArray(body) ? body : [body];
  meter.received(received.length);
  if (received.length > BATCH_MAX) {
    return respondError(ctx, RPC.invalidRequest, `Invalid request: a batch may have ${BATCH_MAX} messages.`);
  }
  const messages = received.map(normalizeMessage).map(checkMessage);
  const rpcId = Array.isArray(body) ? undefined : idOf(messages[0]);
  if (rpcId !== undefined) stateOf(ctx).rpcId = rpcId;
  for (const message of messages) learnClient(post, message);
  stateOf(ctx).operation = messages.map(methodOf).join(',').slice(0, 100);
  await meter.charge(messages.filter((message) => !isMetered(message)).length);
  if (body === UNREADABLE) return respondError(ctx, RPC.parseError, 'Parse error: the body is not JSON.');
  const checked = messages.filter((message) => message !== 'invalid');
  if (checked.length === 0 || checked.length < messages.length) {
    return respondError(ctx, RPC.invalidRequest, 'Invalid request: the body is not a JSON-RPC 2.0 message.');
  }
  await (Array.isArray(body) ? serveBatch(post, checked) : serveOne({ ...post, idempotencyKey }, checked[0]));
}

async function serveOne(post: Post, checked: Checked | undefined): Promise<void> {
  const { ctx, caller, controller, inFlight } = post;
  if (checked?.error) return respond(ctx, 200, JSON.stringify(checked.error));
  const message = checked?.message;
  if (!message) return respond(ctx, 202, '');
  const sender = { keyId: caller.keyId, userAgent: ctx.get('User-Agent'), address: ctx.ip };
  if (isRequest(message)) ctx.res.once('close', inFlight.add(sender, message.id, controller));
  else if ('method' in message && message.method === 'notifications/cancelled') {
    inFlight.cancel(sender, message.params?.requestId);
  }
  const headers = routingHeaders((name) => ctx.get(name));
  if (isModern(message, headers)) {
    return respondWith(ctx, await serveModern(definitionOf(post), message, headers));
  }
  const unsupported = unsupportedVersion(ctx, isRequest(message) ? message.id : null);
  if (unsupported) return respond(ctx, 400, JSON.stringify(unsupported));
  const definition = definitionOf(post);
  const dispatched = isRequest(message) ? await dispatch(definition, message) : undefined;
  if (dispatched !== undefined) return respond(ctx, 200, dispatched);
  const { status, text } = await serveLegacy(definition, message, ctx.get(VERSION_HEADER));
  respond(ctx, status, text);
}

/**
 * Serves the messages of a batch, which only the older protocol versions have. Their ids need not be unique: the SDK gets the
 * positions of requests as ids.
 */
async function serveBatch(post: Post, checked: readonly Checked[]): Promise<void> {
  const { ctx } = post;
  const headers = routingHeaders((name) => ctx.get(name));
  if (
    MODERN_VERSIONS.includes(ctx.get(VERSION_HEADER)) ||
    checked.some(({ message }) => message && isModern(message, headers))
  ) {
    const detail = `Invalid request: protocol version ${MODERN_VERSIONS[0]} has no batches. Send each message by itself.`;
    return respondError(ctx, RPC.invalidRequest, detail);
  }
  const unsupported = unsupportedVersion(ctx, null);
  if (unsupported) return respond(ctx, 400, JSON.stringify(unsupported));
  const numbered = checked.flatMap<RpcMessage>(({ message }, position) => {
    // Its request id would be taken for a position. A request of the same batch cannot be cancelled anyway.
    if (!message || ('method' in message && message.method === 'notifications/cancelled')) return [];
    return [isRequest(message) ? { ...message, id: position } : message];
  });
  const served =
    numbered.length > 0
      ? await serveLegacy(definitionOf(post), numbered, ctx.get(VERSION_HEADER))
      : { status: 202, text: '' };
  if (served.status >= 400) return respond(ctx, served.status, served.text);
  const results: RpcErrorResponse[] = served.text === '' ? [] : [JSON.parse(served.text)].flat();
  const byPosition = new Map(results.map((result) => [result.id, result]));
  const responses = checked.flatMap<RpcErrorResponse>(({ message, error }, position) => {
    const result = byPosition.get(position);
    if (error) return [error];
    return result && isRequest(message) ? [{ ...result, id: message.id }] : [];
  });
  respond(ctx, responses.length > 0 ? 200 : 202, responses.length > 0 ? JSON.stringify(responses) : '');
}

/** @throws Problem `unprocessable` for an unknown set of tools */
function toolsetOf(given: string | null): Toolset {
  const toolset = TOOLSETS.find((name) => name === (given || 'all'));
  if (!toolset) throw invalidField('tools', `must be one of ${TOOLSETS.join(', ')}`);
  return toolset;
}

/** Defines the server that serves a request. */
function definitionOf(post: Post): Definition {
  const { ctx, pipeline, caller, meter, toolset, publicUrl, define = defineServer } = post;
  return define({
    pipeline,
    scopes: caller.scopes,
    project: caller.project,
    toolset,
    newCall: (method) => {
      const call = callOf(ctx, pipeline, caller, method);
      // The request's bytes are counted once, with the first call of a batch.
      stateOf(ctx).bytesIn = 0;
      return { ...call, idempotencyKey: post.idempotencyKey };
    },
    publicUrl,
    onOutcome: meter.finished,
  });
}

const VERSION_HEADER = 'MCP-Protocol-Version';

/** Returns the error for a version header that names no known version; undefined for others. */
function unsupportedVersion(ctx: Context, id: string | number | null): RpcErrorResponse | undefined {
  const requested = ctx.get(VERSION_HEADER);
  if (requested === '' || LEGACY_VERSIONS.includes(requested)) return undefined;
  const supported = [...MODERN_VERSIONS, ...LEGACY_VERSIONS];
  return errorResponse(id, RPC.unsupportedVersion, `Unsupported protocol version: ${requested.slice(0, 40)}`, {
    supported,
    requested: requested.slice(0, 40),
  });
}

function respond(ctx: Context, status: number, text: string): void {
  ctx.body = text === '' ? null : text;
  if (text !== '') ctx.type = 'application/json';
  // Koa sets 204 for an empty body, but the response to a notification is 202.
  ctx.status = status;
}

/** Responds with what an SDK returned: JSON, or a stream of events. */
async function respondWith(ctx: Context, response: Response): Promise<void> {
  const type = response.headers.get('Content-Type') ?? '';
  if (!response.body || !type.startsWith('text/event-stream')) {
    return respond(ctx, response.status, await response.text());
  }
  ctx.status = response.status;
  ctx.set({ 'Content-Type': type, 'Cache-Control': 'no-cache, no-transform', 'X-Accel-Buffering': 'no' });
  ctx.body = Readable.fromWeb(response.body as ReadableStream);
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

/** Responds with a JSON-RPC error of a request whose id is not known. */
function respondError(ctx: Context, code: number, message: string): void {
  respond(ctx, 400, JSON.stringify(errorResponse(null, code, message)));
}

/** Remembers how the client names itself: older versions say so only when they connect. */
function learnClient({ ctx, pipeline, caller }: Post, checked: Checked | 'invalid'): void {
  const info = checked === 'invalid' ? undefined : clientInfoOf(checked.message);
  if (info) pipeline.clients.learn(caller.keyId, ctx.get('User-Agent'), info);
}

/** Returns the id of a request; undefined for other messages. */
function idOf(checked: Checked | 'invalid' | undefined): string | number | undefined {
  if (checked === 'invalid') return undefined;
  return isRequest(checked?.message) ? checked.message.id : (checked?.error?.id ?? undefined);
}

function methodOf(checked: Checked | 'invalid'): string {
  if (checked === 'invalid' || checked.error) return 'invalid';
  return checked.message && 'method' in checked.message ? checked.message.method : 'response';
}

/** Returns whether the pipeline meters a message. Invalid requests and all others are protocol messages. */
function isMetered(checked: Checked | 'invalid'): boolean {
  const message = checked === 'invalid' ? undefined : checked.message;
  return isRequest(message) && METERED_METHODS.includes(message.method);
}
