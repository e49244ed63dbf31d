import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import {
  CallToolRequestSchema,
  ErrorCode,
  GetPromptRequestSchema,
  ListPromptsRequestSchema,
  ListResourcesRequestSchema,
  ListResourceTemplatesRequestSchema,
  ListToolsRequestSchema,
  McpError,
  ReadResourceRequestSchema,
} from '@modelcontextprotocol/sdk/types.js';
import { AjvJsonSchemaValidator } from '@modelcontextprotocol/sdk/validation/ajv';
import { Problem, refuse } from '../api/errors.ts';
import type { Call, Outcome } from '../api/pipeline/call.ts';
import type { PipelineDependencies } from '../api/pipeline/dependencies.ts';
import { rejectCall, run } from '../api/pipeline/run.ts';
import { VERSION } from '../api/version.ts';
import { newDelimiter } from './delimiter.ts';
import { errorData, errorMeta, errorText } from './errors.ts';
import { PROMPTS, RECALL, RECALL_PROMPT, RECALL_TOKENS, recallPrompt, rememberPrompt } from './prompts.ts';
import { findTool, INSTRUCTIONS, TOOL_DESCRIPTIONS } from './registry.ts';
import { RESOURCE_TEMPLATES, RESOURCES, resourceRequest } from './resources.ts';

export interface Connection {
  pipeline: PipelineDependencies;
  /** Creates a call of this connection's caller, with a new event id. */
  newCall: (method: string) => Call;
  publicUrl: () => string;
  /** Called with each outcome before the response is sent. */
  onOutcome: (outcome: Outcome) => void;
}

// By default the SDK creates a validator per server, which takes longer than the rest of a request.
const validator = new AjvJsonSchemaValidator();

/**
 * Creates an MCP server for one request of one caller. Tools, resources and prompts all go through `run()`; a failed tool
 * call is a result with `isError`, which a model can act on. No other file uses the SDK's server.
 */
export function createServer(connection: Connection): Server {
  const server = new Server(
    { name: 'whitemagic', title: 'WhiteMagic', version: VERSION },
    {
      capabilities: { tools: {}, resources: {}, prompts: {} },
      instructions: INSTRUCTIONS,
      jsonSchemaValidator: validator,
    },
  );
  server.setRequestHandler(ListToolsRequestSchema, () => ({ tools: [...TOOL_DESCRIPTIONS] }));
  server.setRequestHandler(CallToolRequestSchema, ({ params }) => callTool(connection, params.name, params.arguments));
  server.setRequestHandler(ListResourcesRequestSchema, () => ({ resources: [...RESOURCES] }));
  server.setRequestHandler(ListResourceTemplatesRequestSchema, () => ({ resourceTemplates: [...RESOURCE_TEMPLATES] }));
  server.setRequestHandler(ReadResourceRequestSchema, ({ params }) => readResource(connection, params.uri));
  server.setRequestHandler(ListPromptsRequestSchema, () => ({
    prompts: PROMPTS.map((prompt) => ({ ...prompt, arguments: [...prompt.arguments] })),
  }));
  server.setRequestHandler(GetPromptRequestSchema, ({ params }) =>
    getPrompt(connection, params.name, params.arguments),
  );
  return server;
}

/** Passes the outcome of a call to the connection, then returns it. */
async function reported({ onOutcome }: Connection, pending: Promise<Outcome>): Promise<Outcome> {
  const outcome = await pending;
  onOutcome(outcome);
  return outcome;
}

async function callTool(connection: Connection, name: string, input: Record<string, unknown> | undefined) {
  const { pipeline } = connection;
  const call = connection.newCall('tools/call');
  const tool = findTool(name);
  if (!tool) {
    const problem = new Problem('not_found', { detail: 'Unknown tool.' });
    const outcome = await reported(connection, rejectCall(pipeline, 'unknown_tool', call, problem));
    // A call over the limit, or one that could not be metered, fails with that error instead.
    if (outcome.problem?.code !== 'not_found') requireSuccess(outcome, call, connection);
    throw new McpError(ErrorCode.InvalidParams, `Unknown tool: ${name.slice(0, 100)}`, eventData(outcome));
  }
  const delimit = newDelimiter();
  const render = (result: unknown) => tool.render(result, delimit);
  const outcome = await reported(connection, run(pipeline, tool.operation, { ...call, render }, input ?? {}));
  if (outcome.problem) {
    return {
      isError: true,
      content: [{ type: 'text' as const, text: errorText(outcome.problem, call.requestId, connection.publicUrl()) }],
      _meta: { ...errorMeta(outcome.problem, call.requestId, connection.publicUrl()), ...eventMeta(outcome) },
    };
  }
  return {
    structuredContent: outcome.rendering?.structuredContent,
    content: [{ type: 'text' as const, text: outcome.rendering?.text ?? '' }],
    _meta: eventMeta(outcome),
  };
}

async function readResource(connection: Connection, uri: string) {
  const { pipeline } = connection;
  const call = connection.newCall('resources/read');
  const request = resourceRequest(uri);
  const outcome = await reported(
    connection,
    request
      ? run(pipeline, request.operation, call, request.input)
      : rejectCall(pipeline, 'unknown_resource', call, new Problem('not_found', { detail: 'Unknown resource.' })),
  );
  if (outcome.problem?.code === 'not_found') throw resourceNotFound(uri, outcome);
  requireSuccess(outcome, call, connection);
  return { contents: [{ uri, mimeType: 'application/json', text: outcome.text ?? '' }], _meta: eventMeta(outcome) };
}

async function getPrompt(connection: Connection, name: string, input: Record<string, string> | undefined) {
  const message = (text: string) => ({
    messages: [{ role: 'user' as const, content: { type: 'text' as const, text } }],
  });
  if (name === 'remember_this_session') return message(rememberPrompt(input?.focus));
  if (name !== RECALL_PROMPT) throw new McpError(ErrorCode.InvalidParams, `Unknown prompt: ${name.slice(0, 100)}`);
  const task = input?.task ?? '';
  const call = connection.newCall('prompts/get');
  const outcome = await reported(
    connection,
    task.trim() === ''
      ? rejectCall(connection.pipeline, RECALL.id, call, refuse('task', 'required'))
      : run(connection.pipeline, RECALL, call, { query: task, max_tokens: RECALL_TOKENS }),
  );
  requireSuccess(outcome, call, connection);
  const text = recallPrompt(task, outcome.body as Parameters<typeof recallPrompt>[1], newDelimiter());
  return { ...message(text), _meta: eventMeta(outcome) };
}

function requireSuccess(outcome: Outcome, call: Call, connection: Connection): void {
  if (!outcome.problem) return;
  const code = outcome.status >= 500 ? ErrorCode.InternalError : ErrorCode.InvalidParams;
  const details = [outcome.problem, call.requestId, connection.publicUrl()] as const;
  throw new McpError(code, errorText(...details), { ...errorData(...details), ...eventData(outcome) });
}

/** -32002 is the code for a missing resource in protocol versions up to 2025-11-25. */
function resourceNotFound(uri: string, outcome: Outcome): McpError {
  return new McpError(-32002, `Unknown resource: ${uri.slice(0, 200)}`, eventData(outcome));
}

/** Returns the usage event of a call for the `data` of a JSON-RPC error. */
function eventData({ eventId }: Outcome): Record<string, string> {
  return eventId ? { usage_event: eventId } : {};
}

/** Returns the usage event of a call for the `_meta` of a result. */
function eventMeta({ eventId }: Outcome): Record<string, string> {
  return eventId ? { 'whitemagic/usage_event': eventId } : {};
}
