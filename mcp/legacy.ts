import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import { WebStandardStreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/webStandardStreamableHttp.js';
import {
  CallToolRequestSchema,
  CompleteRequestSchema,
  GetPromptRequestSchema,
  ListPromptsRequestSchema,
  ListResourcesRequestSchema,
  ListResourceTemplatesRequestSchema,
  ListToolsRequestSchema,
  ReadResourceRequestSchema,
  type ServerResult,
  SUPPORTED_PROTOCOL_VERSIONS,
} from '@modelcontextprotocol/sdk/types.js';
import { AjvJsonSchemaValidator } from '@modelcontextprotocol/sdk/validation/ajv';
import type { Definition } from './definition.ts';
import type { RpcMessage } from './messages.ts';

/** Protocol versions of clients that start with `initialize`, newest first. */
export const LEGACY_VERSIONS: readonly string[] = SUPPORTED_PROTOCOL_VERSIONS;

const SCHEMAS = [
  ListToolsRequestSchema,
  CallToolRequestSchema,
  ListResourcesRequestSchema,
  ListResourceTemplatesRequestSchema,
  ReadResourceRequestSchema,
  ListPromptsRequestSchema,
  GetPromptRequestSchema,
  CompleteRequestSchema,
];

const EXCHANGE = { clientCapabilities: {}, inputResponses: undefined };

// By default the SDK creates a validator per server, which takes longer than the rest of a request.
const jsonSchemaValidator = new AjvJsonSchemaValidator();

/**
 * Serves a message or a batch of the protocol versions up to 2025-11-25 with the SDK 1.x, in a server of its own: without sessions and
 * streams, so any node can serve any request. No other file uses that SDK.
 * @param version the header `MCP-Protocol-Version`; empty when it is missing
 */
export async function serveLegacy(
  { info, instructions, capabilities, handlers }: Definition,
  message: RpcMessage | readonly RpcMessage[],
  version: string,
): Promise<{ status: number; text: string }> {
  const server = new Server(info, { capabilities, jsonSchemaValidator, ...(instructions && { instructions }) });
  for (const schema of SCHEMAS) {
    const handler = handlers[schema.shape.method.value];
    if (!handler) continue;
    server.setRequestHandler(schema, async ({ params }) => (await handler({ ...params }, EXCHANGE)) as ServerResult);
  }
  const transport = new WebStandardStreamableHTTPServerTransport({ enableJsonResponse: true });
  try {
    await server.connect(transport);
    const response = await transport.handleRequest(webRequest(version), { parsedBody: message });
    return { status: response.status, text: await response.text() };
  } finally {
    await server.close();
  }
}

function webRequest(version: string): Request {
  // Responses are always JSON, so clients that accept nothing else are served too; the SDK would reject them.
  const headers = new Headers({ 'Content-Type': 'application/json', Accept: 'application/json, text/event-stream' });
  if (version) headers.set('MCP-Protocol-Version', version);
  return new Request('http://localhost/mcp', { method: 'POST', headers });
}
