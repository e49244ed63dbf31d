import {
  CallToolRequestSchema,
  ErrorCode,
  GetPromptRequestSchema,
  InitializeRequestSchema,
  isJSONRPCRequest,
  type JSONRPCErrorResponse,
  type JSONRPCMessage,
  JSONRPCMessageSchema,
  ListPromptsRequestSchema,
  ListResourcesRequestSchema,
  ListResourceTemplatesRequestSchema,
  ListToolsRequestSchema,
  PingRequestSchema,
  ReadResourceRequestSchema,
} from '@modelcontextprotocol/sdk/types.js';
import { issueMessage } from '../api/contracts/issue-messages.ts';
import { issuesProblem } from '../api/contracts/parse.ts';
import { isObject, parseJson } from './arguments.ts';

type Params = Record<string, unknown>;

/** Normalizes the params of a method, from which nulls are already removed. */
const METHODS: Record<string, (params: Params) => Params> = {
  initialize: ({ protocolVersion, clientInfo }) => ({
    protocolVersion: typeof protocolVersion === 'string' ? protocolVersion : '',
    // The service uses no capability of a client.
    capabilities: {},
    clientInfo: { name: 'unknown', version: '0', ...(isObject(clientInfo) && textsOf(clientInfo)) },
  }),
  'tools/call': withArguments,
  'prompts/get': (params) => {
    const { arguments: given, ...rest } = withArguments(params);
    return { ...rest, arguments: isObject(given) ? withoutNulls(given) : given };
  },
};

/**
 * Normalizes a JSON-RPC message as MCP clients send them: params, or a member of them, that are null mean that they are left
 * out; params and arguments may be JSON strings; `initialize` needs none of its params; `task` is ignored. Leaves what it
 * cannot read as it is.
 */
export function normalizeMessage(message: unknown): unknown {
  if (!isObject(message) || typeof message.method !== 'string') return message;
  const { params: given, ...rest } = message;
  const params = objectOf(given);
  if (!isObject(params)) return message;
  const normalize = Object.hasOwn(METHODS, message.method) ? METHODS[message.method] : undefined;
  const plain = withoutTask(withoutNulls(params));
  return { ...rest, params: normalize ? normalize(plain) : plain };
}

/** Leaves out `task`, which a server that declares no tasks ignores (2025-11-25, Tasks): the SDK rejects the request. */
function withoutTask({ task: _task, ...params }: Params): Params {
  return params;
}

function withoutNulls(params: Params): Params {
  return Object.fromEntries(Object.entries(params).filter(([, value]) => value !== null));
}

function withArguments(params: Params): Params {
  return { ...params, arguments: objectOf(params.arguments) };
}

/** Returns the object of a JSON string, an empty object for null, undefined and an empty string, and other values unchanged. */
function objectOf(value: unknown): unknown {
  if (value === null || value === undefined) return {};
  if (typeof value !== 'string') return value;
  const parsed = value.trim() === '' ? null : parseJson(value);
  if (parsed === null) return {};
  return isObject(parsed) ? parsed : value;
}

function textsOf(info: Params): Params {
  return Object.fromEntries(Object.entries(info).filter(([, value]) => typeof value === 'string'));
}

/** A message that can be served, or the error to respond to it; neither for a notification that cannot be read. */
export interface Checked {
  message?: JSONRPCMessage;
  error?: JSONRPCErrorResponse;
}

/** Checks a message, with its params, as the SDK will: its own error for wrong params is -32603 with a dump of the schema. */
export function checkMessage(message: unknown): Checked | 'invalid' {
  const parsed = JSONRPCMessageSchema.safeParse(message);
  if (parsed.success) {
    const schema = isJSONRPCRequest(parsed.data) ? REQUESTS.get(parsed.data.method) : undefined;
    const issues = schema?.safeParse(parsed.data, { error: issueMessage }).error?.issues;
    return issues ? invalidParams(parsed.data, issuesProblem(issues).message) : { message: parsed.data };
  }
  const { params: _params, ...rest } = Object(message) as Record<string, unknown>;
  const withoutParams = JSONRPCMessageSchema.safeParse(rest);
  if (!withoutParams.success || !('method' in withoutParams.data)) return 'invalid';
  return invalidParams(withoutParams.data, 'params: must be an object');
}

function invalidParams(message: JSONRPCMessage, reason: string): Checked {
  if (!isJSONRPCRequest(message)) return {};
  const error = { code: ErrorCode.InvalidParams, message: `Invalid params: ${reason}.` };
  return { error: { jsonrpc: '2.0', id: message.id, error } };
}

/** Schemas of the requests that the server handles, by method. */
const REQUESTS = new Map(
  [
    InitializeRequestSchema,
    PingRequestSchema,
    ListToolsRequestSchema,
    CallToolRequestSchema,
    ListResourcesRequestSchema,
    ListResourceTemplatesRequestSchema,
    ReadResourceRequestSchema,
    ListPromptsRequestSchema,
    GetPromptRequestSchema,
  ].map((schema) => [schema.shape.method.value as string, schema]),
);
