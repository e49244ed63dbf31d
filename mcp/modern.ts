import {
  CLIENT_CAPABILITIES_META_KEY,
  classifyInboundRequest,
  createMcpHandler,
  type InboundHttpRequest,
  type RequestMethod,
  type Result,
  Server,
} from '@modelcontextprotocol/server';
import { isObject } from './arguments.ts';
import type { Definition } from './definition.ts';
import type { RpcMessage } from './messages.ts';

/** Protocol versions whose requests carry their version, newest first. */
export const MODERN_VERSIONS: readonly string[] = ['2026-07-28'];

/** The headers by which a request of these versions is routed; undefined for missing ones. */
export type RoutingHeaders = Pick<InboundHttpRequest, 'protocolVersionHeader' | 'mcpMethodHeader' | 'mcpNameHeader'>;

const HEADER_NAMES: Record<keyof RoutingHeaders, string> = {
  protocolVersionHeader: 'MCP-Protocol-Version',
  mcpMethodHeader: 'Mcp-Method',
  mcpNameHeader: 'Mcp-Name',
};

/** Reads the routing headers of a request. */
export function routingHeaders(get: (name: string) => string): RoutingHeaders {
  const entries = Object.entries(HEADER_NAMES).map(([member, name]) => [member, get(name)] as const);
  return Object.fromEntries(entries.filter(([, value]) => value !== ''));
}

/** Returns whether a message is one of protocol version 2026-07-28 or later: its `_meta`, or else the header, names the version. */
export function isModern(message: unknown, headers: RoutingHeaders): boolean {
  return classifyInboundRequest({ httpMethod: 'POST', ...headers, body: message }).kind !== 'legacy';
}

/**
 * Serves a message of protocol version 2026-07-28 with the SDK 2.x. The response is JSON, or a stream of events that the caller has to
 * pass on as it comes. No other file uses that SDK.
 */
export function serveModern(definition: Definition, message: RpcMessage, headers: RoutingHeaders): Promise<Response> {
  const handler = createMcpHandler(() => createServer(definition), { legacy: 'reject' });
  return handler.fetch(webRequest(headers), { parsedBody: message });
}

function createServer({ info, instructions, capabilities, handlers, cacheHints }: Definition): Server {
  const server = new Server(info, { capabilities, cacheHints, ...(instructions && { instructions }) });
  for (const [method, handler] of Object.entries(handlers)) {
    server.setRequestHandler(method as RequestMethod, async ({ params }, { mcpReq: { envelope, inputResponses } }) => {
      const declared = (envelope as Record<string, unknown> | undefined)?.[CLIENT_CAPABILITIES_META_KEY];
      const clientCapabilities = isObject(declared) ? declared : {};
      return (await handler({ ...params }, { clientCapabilities, inputResponses })) as Result;
    });
  }
  return server;
}

function webRequest(given: RoutingHeaders): Request {
  const headers = new Headers({ 'Content-Type': 'application/json' });
  for (const [member, value] of Object.entries(given)) headers.set(HEADER_NAMES[member as keyof RoutingHeaders], value);
  return new Request('http://localhost/mcp', { method: 'POST', headers });
}
