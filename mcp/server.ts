import { jsonSchema } from '../api/contracts/json-schema.ts';
import type { Scope } from '../api/contracts/operation.ts';
import { Problem } from '../api/errors.ts';
import { ICON } from '../api/pages/assets.ts';
import type { Call, Outcome, Rendering } from '../api/pipeline/call.ts';
import type { PipelineDependencies } from '../api/pipeline/dependencies.ts';
import { lookUp, rejectCall, run } from '../api/pipeline/run.ts';
import { toProblem } from '../api/pipeline/to-problem.ts';
import { VERSION } from '../api/version.ts';
import { normalizeArguments } from './arguments.ts';
import { complete, sourceOf } from './completion.ts';
import { confirmDeletion } from './confirm-deletion.ts';
import { type Definition, type Exchange, type Params, RPC, RpcError } from './definition.ts';
import { newDelimiter } from './delimiter.ts';
import { cut, errorData, errorMeta, errorText } from './errors.ts';
import { prefixResolver } from './id-prefixes.ts';
import { PROMPT_DESCRIPTIONS, promptText } from './prompts.ts';
import { findTool, instructionsFor, listTools, type Toolset } from './registry.ts';
import { RESOURCE_TEMPLATES, RESOURCES, resourceRequest } from './resources.ts';

export interface Connection {
  pipeline: PipelineDependencies;
  scopes: readonly Scope[];
  /** Default project of the connection. */
  project?: string | undefined;
  /** The tools that the client wants to see. */
  toolset: Toolset;
  /** Creates a call of this connection's caller, with a new event id. */
  newCall: (method: string) => Call;
  publicUrl: () => string;
  /** Called with each outcome before the response is sent. */
  onOutcome: (outcome: Outcome) => void;
}

/** Requests that the pipeline meters and limits one by one. All others are protocol messages. */
export const METERED_METHODS: readonly string[] = ['tools/call', 'resources/read'];

/** Lists change with a release only. */
const LIST_TTL_MS = 300_000;
const SAME_FOR_ALL = { ttlMs: LIST_TTL_MS, cacheScope: 'public' } as const;
const OWN = { ttlMs: LIST_TTL_MS, cacheScope: 'private' } as const;

/**
 * Defines the MCP server for one request of one caller. Tools and resources go through `run()`; a failed tool call is a result with
 * `isError`, which a model can act on.
 */
export function defineServer(connection: Connection): Definition {
  return {
    info: {
      name: 'whitemagic',
      title: 'WhiteMagic',
      version: VERSION,
      websiteUrl: connection.publicUrl(),
      icons: [{ src: `${connection.publicUrl()}${ICON.path}`, mimeType: ICON.type, sizes: ['any'] }],
    },
    instructions: instructionsFor(connection.project),
    capabilities: { tools: {}, resources: {}, prompts: {}, completions: {} },
    cacheHints: {
      // Its instructions name the project of the connection.
      'server/discover': connection.project === undefined ? SAME_FOR_ALL : OWN,
      // It depends on the scopes of the key.
      'tools/list': OWN,
      'resources/list': SAME_FOR_ALL,
      'resources/templates/list': SAME_FOR_ALL,
      'prompts/list': SAME_FOR_ALL,
    },
    handlers: {
      'tools/list': () => ({ tools: listTools(connection.scopes, connection.toolset) }),
      'tools/call': ({ name, arguments: given }, exchange) =>
        callTool(connection, name as string, given as Params | undefined, exchange),
      'resources/list': () => ({ resources: RESOURCES }),
      'resources/templates/list': () => ({ resourceTemplates: RESOURCE_TEMPLATES }),
      'resources/read': ({ uri }) => readResource(connection, uri as string),
      'prompts/list': () => ({ prompts: PROMPT_DESCRIPTIONS }),
      'prompts/get': ({ name, arguments: given }) => getPrompt(name as string, given as Record<string, string>),
      'completion/complete': ({ ref, argument }) =>
        completeArgument(connection, ref as Params, argument as { name: string; value: string }),
    },
  };
}

/** Passes the outcome of a call to the connection, then returns it. */
async function reported({ onOutcome }: Connection, pending: Promise<Outcome>): Promise<Outcome> {
  const outcome = await pending;
  onOutcome(outcome);
  return outcome;
}

async function callTool(connection: Connection, name: string, given: Params | undefined, exchange: Exchange) {
  const { pipeline } = connection;
  const call = connection.newCall('tools/call');
  const tool = findTool(name);
  if (!tool) {
    const problem = new Problem('not_found', { detail: 'Unknown tool.' });
    const outcome = await reported(connection, rejectCall(pipeline, 'unknown_tool', call, problem));
    // A call over the limit, or one that could not be metered, fails with that error instead.
    if (outcome.problem?.code !== 'not_found') requireSuccess(outcome, call, connection);
    throw new RpcError(RPC.invalidParams, `Unknown tool: ${name.slice(0, 100)}`, eventData(outcome));
  }
  const { input, ignored } = normalizeArguments(tool.inputSchema, given ?? {});
  const resolve = prefixResolver(tool.inputSchema, input);
  const unconfirmed = await confirmDeletion(connection.pipeline, call, tool, input, exchange);
  if (unconfirmed) return unconfirmed;
  const delimit = newDelimiter();
  const render = (result: unknown, isReceipt?: boolean): Rendering => {
    const { text, structured } = tool.render(result, delimit, isReceipt);
    const complete = `${text}${ignoredText(ignored)}`;
    const rendering = { text: complete, structuredContent: structured && { message: complete, ...structured } };
    return { ...rendering, shown: [complete, JSON.stringify(toToolResult(rendering, call, ignored))] };
  };
  const outcome = await reported(connection, run(pipeline, tool.operation, { ...call, resolve, render }, input));
  if (outcome.rendering) return toToolResult(outcome.rendering, outcome, ignored);
  return toolError(connection, call, outcome, ignored);
}

/** Returns the result of a successful tool call, its members in the order in which the SDK's client returns them. */
function toToolResult(
  { text, structuredContent }: Omit<Rendering, 'shown'>,
  event: { eventId?: string },
  ignored: readonly string[],
) {
  return {
    _meta: { ...eventMeta(event), ...ignoredMeta(ignored) },
    content: [{ type: 'text' as const, text }],
    ...(structuredContent && { structuredContent }),
  };
}

function toolError(connection: Connection, call: Call, outcome: Outcome, ignored: readonly string[]) {
  const details = [outcome.problem ?? new Problem('internal'), call.requestId, connection.publicUrl()] as const;
  return {
    isError: true,
    content: [{ type: 'text' as const, text: `${errorText(...details)}${ignoredText(ignored)}` }],
    _meta: { ...errorMeta(...details), ...eventMeta(outcome), ...ignoredMeta(ignored) },
  };
}

async function readResource(connection: Connection, uri: string) {
  const { pipeline } = connection;
  const call = connection.newCall('resources/read');
  const request = resourceRequest(uri);
  const text = request?.text;
  const resolve = request && prefixResolver(jsonSchema(request.operation.input, 'input'), request.input);
  const delimit = newDelimiter();
  const render = (result: unknown): Rendering => {
    const rendered = text?.(result, delimit) ?? '';
    return { text: rendered, shown: [rendered, JSON.stringify(toResource(uri, 'text/plain', rendered, call))] };
  };
  const outcome = await reported(
    connection,
    request
      ? run(pipeline, request.operation, { ...call, resolve, ...(text && { render }) }, request.input)
      : rejectCall(pipeline, 'unknown_resource', call, new Problem('not_found', { detail: 'Unknown resource.' })),
  );
  if (outcome.problem?.code === 'not_found') throw resourceNotFound(uri, outcome);
  requireSuccess(outcome, call, connection);
  return outcome.rendering
    ? toResource(uri, 'text/plain', outcome.rendering.text, outcome)
    : toResource(uri, 'application/json', outcome.text ?? '', outcome);
}

function toResource(uri: string, mimeType: string, text: string, event: { eventId?: string }) {
  return { contents: [{ uri, mimeType, text }], _meta: eventMeta(event) };
}

function getPrompt(name: string, given: Record<string, string> | undefined) {
  const text = promptText(name, given);
  if (text === undefined) throw new RpcError(RPC.invalidParams, `Unknown prompt: ${name.slice(0, 100)}`);
  return { messages: [{ role: 'user', content: { type: 'text', text } }] };
}

/** Completes an argument of a resource template. Other arguments have no values to choose from. */
async function completeArgument(connection: Connection, ref: Params, { name, value }: { name: string; value: string }) {
  const source = sourceOf(ref, name);
  if (!source) return { completion: complete([], value) };
  const call = connection.newCall('completion/complete');
  try {
    const found = await lookUp(connection.pipeline, source.operation, call, source.input);
    return { completion: complete(source.values(found), value) };
  } catch (error) {
    const problem = toProblem(error);
    if (problem.status >= 500)
      connection.pipeline.onFault(error, { requestId: call.requestId, operation: source.operation.id });
    throw problemError(problem, call, connection);
  }
}

function requireSuccess(outcome: Outcome, call: Call, connection: Connection): void {
  if (outcome.problem) throw problemError(outcome.problem, call, connection, outcome);
}

function problemError(problem: Problem, call: Call, connection: Connection, outcome?: Outcome): RpcError {
  const code = problem.status >= 500 ? RPC.internalError : RPC.invalidParams;
  const details = [problem, call.requestId, connection.publicUrl()] as const;
  return new RpcError(code, errorText(...details), { ...errorData(...details), ...(outcome && eventData(outcome)) });
}

function resourceNotFound(uri: string, outcome: Outcome): RpcError {
  return new RpcError(RPC.resourceNotFound, `Unknown resource: ${uri.slice(0, 200)}`, { uri, ...eventData(outcome) });
}

/** Returns the usage event of a call for the `data` of a JSON-RPC error. */
function eventData({ eventId }: Outcome): Record<string, string> {
  return eventId ? { usage_event: eventId } : {};
}

/** Returns the usage event of a call for the `_meta` of a result. */
function eventMeta({ eventId }: { eventId?: string }): Record<string, string> {
  return eventId ? { 'whitemagic/usage_event': eventId } : {};
}

/** Bounds of what a result says of unknown arguments. */
const IGNORED_MAX = 5;
const IGNORED_NAME_MAX = 40;

/** Returns the line that names the arguments that were ignored, empty without any. */
function ignoredText(names: readonly string[]): string {
  if (names.length === 0) return '';
  const left = names.length - IGNORED_MAX;
  return `\nIgnored unknown arguments: ${shownNames(names).join(', ')}${left > 0 ? ` and ${left} more` : ''}.`;
}

function ignoredMeta(names: readonly string[]): Record<string, string[]> {
  return names.length > 0 ? { 'whitemagic/ignored_arguments': shownNames(names) } : {};
}

function shownNames(names: readonly string[]): string[] {
  return names.slice(0, IGNORED_MAX).map((name) => cut(name.replace(/\s+/gu, ' '), IGNORED_NAME_MAX));
}
