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
import { refusalFacts, refusalMeta, refusalText } from './errors.ts';
import { PROMPTS, RECALL, RECALL_PROMPT, RECALL_TOKENS, recallPrompt, rememberPrompt } from './prompts.ts';
import { findTool, INSTRUCTIONS, TOOL_DESCRIPTIONS } from './registry.ts';
import { RESOURCE_TEMPLATES, RESOURCES, resourceRequest } from './resources.ts';

export interface Connection {
  pipeline: PipelineDependencies;
  /** A call of this connection's caller, with an event id of its own. */
  newCall: (method: string) => Call;
  publicUrl: () => string;
  /** Told of each call's outcome, before it is answered. */
  onOutcome: (outcome: Outcome) => void;
}

// The SDK makes a validator per server, which costs more than all the rest of a request.
const validator = new AjvJsonSchemaValidator();

/**
 * An MCP server for one request of one caller: the only file that knows the SDK's server. Tools, resources and prompts
 * all go through `run()`; a refused tool call is a result with `isError` that a model can act on.
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

/** What a call came to, once the connection knows of it. */
async function known({ onOutcome }: Connection, coming: Promise<Outcome>): Promise<Outcome> {
  const outcome = await coming;
  onOutcome(outcome);
  return outcome;
}

async function callTool(connection: Connection, name: string, input: Record<string, unknown> | undefined) {
  const { pipeline } = connection;
  const call = connection.newCall('tools/call');
  const tool = findTool(name);
  if (!tool) {
    const problem = new Problem('not_found', { detail: 'There is no such tool.' });
    const outcome = await known(connection, rejectCall(pipeline, 'unknown_tool', call, problem));
    // One call too many, or one that could not be put on record, is refused as that.
    if (outcome.problem?.code !== 'not_found') requireSuccess(outcome, call, connection);
    throw new McpError(ErrorCode.InvalidParams, `Unknown tool: ${name.slice(0, 100)}`, eventFact(outcome));
  }
  const delimit = newDelimiter();
  const render = (result: unknown) => tool.render(result, delimit);
  const outcome = await known(connection, run(pipeline, tool.operation, { ...call, render }, input ?? {}));
  if (outcome.problem) {
    return {
      isError: true,
      content: [{ type: 'text' as const, text: refusalText(outcome.problem, call.requestId, connection.publicUrl()) }],
      _meta: { ...refusalMeta(outcome.problem, call.requestId, connection.publicUrl()), ...eventMeta(outcome) },
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
  const outcome = await known(
    connection,
    request
      ? run(pipeline, request.operation, call, request.input)
      : rejectCall(
          pipeline,
          'unknown_resource',
          call,
          new Problem('not_found', { detail: 'There is no such resource.' }),
        ),
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
  const outcome = await known(
    connection,
    task.trim() === ''
      ? rejectCall(connection.pipeline, RECALL.id, call, refuse('task', 'must say what you are about to do'))
      : run(connection.pipeline, RECALL, call, { query: task, max_tokens: RECALL_TOKENS }),
  );
  requireSuccess(outcome, call, connection);
  const text = recallPrompt(task, outcome.body as Parameters<typeof recallPrompt>[1], newDelimiter());
  return { ...message(text), _meta: eventMeta(outcome) };
}

function requireSuccess(outcome: Outcome, call: Call, connection: Connection): void {
  if (!outcome.problem) return;
  const code = outcome.status >= 500 ? ErrorCode.InternalError : ErrorCode.InvalidParams;
  const said = [outcome.problem, call.requestId, connection.publicUrl()] as const;
  throw new McpError(code, refusalText(...said), { ...refusalFacts(...said), ...eventFact(outcome) });
}

/** -32002 is what clients up to 2025-11-25 know for a resource that is not there. */
function resourceNotFound(uri: string, outcome: Outcome): McpError {
  return new McpError(-32002, `There is no resource ${uri.slice(0, 200)}`, eventFact(outcome));
}

/** The usage event of a call, beside what a model reads: in the data of a JSON-RPC error, … */
function eventFact({ eventId }: Outcome): Record<string, string> {
  return eventId ? { usage_event: eventId } : {};
}

/** … and in the `_meta` of a result. */
function eventMeta({ eventId }: Outcome): Record<string, string> {
  return eventId ? { 'whitemagic/usage_event': eventId } : {};
}
