import { z } from 'zod';
import { issueMessage } from '../api/contracts/issue-messages.ts';
import { issuesProblem } from '../api/contracts/parse.ts';
import { isObject, parseJson } from './arguments.ts';
import { type Params, RPC } from './definition.ts';

/** Normalizes the params of a method, from which nulls are already removed. */
const METHODS: Record<string, (params: Params) => Params> = {
  initialize: ({ protocolVersion, clientInfo, _meta }) => ({
    ...(_meta !== undefined && { _meta }),
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

type RequestId = string | number;

export interface RpcRequest {
  jsonrpc: '2.0';
  id: RequestId;
  method: string;
  params?: Params | undefined;
}

export interface RpcNotification {
  jsonrpc: '2.0';
  method: string;
  params?: Params | undefined;
}

/** A response of a client to a request of the server, which this server never sends. */
interface RpcResponse {
  jsonrpc: '2.0';
  id: RequestId;
}

export type RpcMessage = RpcRequest | RpcNotification | RpcResponse;

export interface RpcErrorResponse {
  jsonrpc: '2.0';
  id: RequestId | null;
  error: { code: number; message: string; data?: unknown };
}

/** A message that can be served, or the error to respond to it; neither for a notification that cannot be read. */
export interface Checked {
  message?: RpcMessage;
  error?: RpcErrorResponse;
}

/** Creates the response to a request that is not served. */
export function errorResponse(id: RequestId | null, code: number, message: string, data?: object): RpcErrorResponse {
  return { jsonrpc: '2.0', id, error: { code, message, ...(data && { data }) } };
}

export function isRequest(message: RpcMessage | undefined): message is RpcRequest {
  return message !== undefined && 'method' in message && 'id' in message;
}

/** Returns how the client of a message names itself; undefined where the message does not say. */
export function clientInfoOf(message: RpcMessage | undefined): { name: string; version?: string } | undefined {
  if (!isRequest(message)) return undefined;
  const meta = message.params?._meta;
  const info =
    message.method === 'initialize'
      ? message.params?.clientInfo
      : isObject(meta) && meta['io.modelcontextprotocol/clientInfo'];
  if (!isObject(info) || typeof info.name !== 'string') return undefined;
  return { name: info.name, ...(typeof info.version === 'string' && { version: info.version }) };
}

/** Checks a message, with its params, before an SDK does: the error of an SDK for wrong params is -32603 with a dump of the schema. */
export function checkMessage(message: unknown): Checked | 'invalid' {
  const parsed = MESSAGE.safeParse(message);
  if (parsed.success) {
    const checked = parsed.data as RpcMessage;
    const schema = isRequest(checked) && Object.hasOwn(PARAMS, checked.method) ? PARAMS[checked.method] : undefined;
    if (!isRequest(checked) || !schema) return { message: checked };
    const issues = schema.safeParse(checked.params ?? {}, { error: issueMessage }).error?.issues;
    return issues ? invalidParams(checked, issuesProblem(issues).message) : { message: checked };
  }
  const { params: _params, ...rest } = Object(message) as Record<string, unknown>;
  const withoutParams = MESSAGE.safeParse(rest);
  if (!withoutParams.success || !('method' in withoutParams.data)) return 'invalid';
  return invalidParams(withoutParams.data as RpcMessage, 'params: must be an object');
}

function invalidParams(message: RpcMessage, reason: string): Checked {
  if (!isRequest(message)) return {};
  return { error: errorResponse(message.id, RPC.invalidParams, `Invalid params: ${reason}.`) };
}

const id = z.union([z.string(), z.int()]);
const jsonrpc = z.literal('2.0');
const record = z.record(z.string(), z.unknown());
const params = record.optional();
const error = z.object({ code: z.int(), message: z.string(), data: z.unknown().optional() });

const MESSAGE = z.union([
  z.strictObject({ jsonrpc, id, method: z.string(), params }),
  z.strictObject({ jsonrpc, method: z.string(), params }),
  z.strictObject({ jsonrpc, id, result: record }),
  z.strictObject({ jsonrpc, id: id.optional(), error }),
]);

/** `_meta`, as far as the SDKs check it. */
const _meta = z
  .looseObject({
    progressToken: z.union([z.string(), z.int()]).optional(),
    'io.modelcontextprotocol/related-task': z.looseObject({ taskId: z.string() }).optional(),
  })
  .optional();
const page = z.looseObject({ _meta, cursor: z.string().optional() });
const texts = z.record(z.string(), z.string());

/** Schemas of the params of the methods that the server handles. */
const PARAMS: Readonly<Record<string, z.ZodType>> = {
  initialize: z.looseObject({
    _meta,
    protocolVersion: z.string(),
    capabilities: record,
    clientInfo: z.looseObject({ name: z.string(), version: z.string() }),
  }),
  ping: z.looseObject({ _meta }),
  'tools/list': page,
  'tools/call': z.looseObject({ _meta, name: z.string(), arguments: record.optional() }),
  'resources/list': page,
  'resources/templates/list': page,
  'resources/read': z.looseObject({ _meta, uri: z.string() }),
  'prompts/list': page,
  'prompts/get': z.looseObject({ _meta, name: z.string(), arguments: texts.optional() }),
  'completion/complete': z.looseObject({
    _meta,
    ref: z.looseObject({
      type: z.enum(['ref/prompt', 'ref/resource']),
      name: z.string().optional(),
      uri: z.string().optional(),
    }),
    argument: z.looseObject({ name: z.string(), value: z.string() }),
    context: z.looseObject({ arguments: texts.optional() }).optional(),
  }),
};
