import { randomInt } from 'node:crypto';
import type { Transport } from '../../db/queries/usage/events.ts';
import type { Entry, Written } from './log.ts';
import type { HttpRequest, HttpResponse } from './send.ts';

/** A call that has not been sent yet. */
export interface Call extends Pick<Entry, 'transport' | 'operation' | 'expected' | 'memory' | 'idempotencyKey'> {
  request: HttpRequest;
  /** Sends it with the key that may only read. */
  reader?: boolean;
}

/** The memories that one caller wrote, each in its last acknowledged state. */
export type KnownMemories = Written[];

const MISSING = '019ab0c0-0000-7000-8000-000000000000';

/** The mix of calls with their weights. Calls about a memory receive one of the caller's known memories. */
const MIX: [weight: number, draw: (memory: Written, title: string) => Call][] = [
  [12, (_memory, title) => create('rest', title)],
  [12, (_memory, title) => ({ ...create('rest', title), idempotencyKey: title.replaceAll(' ', '-') })],
  [8, (_memory, title) => create('mcp_http', title)],
  [8, (memory) => update('rest', memory)],
  [5, (memory) => update('mcp_http', memory)],
  [12, (memory) => rest('memories.get', 200, 'GET', `/memories/${memory.id}`)],
  [5, (memory) => ({ ...rest('memories.get', 200, 'GET', `/memories/${memory.id}`), reader: true })],
  [8, (memory) => rest('search.query', 200, 'POST', '/search', { query: memory.title, limit: 3 })],
  [5, () => rest('memories.list', 200, 'GET', '/memories?limit=3')],
  [5, (memory) => tool('search.query', 200, 'search_memories', { query: memory.title, limit: 3 })],
  [5, (memory) => tool('memories.get', 200, 'get_memory', { id: memory.id })],
  [3, (memory) => resource('memories.get', 200, `memory://memories/${memory.id}`)],
  [1, () => resource('user.usage', 200, 'memory://usage')],
  [3, (_memory, title) => rest('memories.create', 422, 'POST', '/memories', { title, content: 'a\0b' })],
  [3, () => rest('memories.get', 404, 'GET', `/memories/${MISSING}`)],
  [3, (_memory, title) => ({ ...forbiddenCreate(title), reader: true })],
  [2, () => rest('memories.list', 400, 'GET', '/memories?colour=red')],
  [2, () => tool('memories.get', 400, 'get_memory', { id: 'none' })],
  [2, () => tool('unknown_tool', 404, 'drop_tables', {})],
  [2, () => resource('unknown_resource', 404, 'memory://nothing')],
];
const WEIGHTS = MIX.reduce((sum, [weight]) => sum + weight, 0);

/** Draws the next call of a caller: a create when the caller knows no memory yet. */
export function drawCall(known: KnownMemories, title: string): Call {
  if (known.length === 0) return create('rest', title);
  const memory = known[randomInt(known.length)] as Written;
  let remaining = randomInt(WEIGHTS);
  for (const [weight, draw] of MIX) {
    remaining -= weight;
    if (remaining < 0) return draw(memory, title);
  }
  return create('rest', title);
}

/** Returns the REST call that reads a memory. */
export function readCall(id: string): Call {
  return rest('memories.get', 200, 'GET', `/memories/${id}`);
}

/** Converts a call and its response, if there was one, to an entry of the log. */
export function entryOf(
  { transport, operation, expected, memory, idempotencyKey }: Call,
  response?: HttpResponse,
): Entry {
  const entry: Entry = { transport, operation, expected };
  if (memory) entry.memory = memory;
  if (idempotencyKey) entry.idempotencyKey = idempotencyKey;
  if (!response) return entry;
  const parsed = transport === 'rest' ? parseRestResponse(response) : parseMcpResponse(response, expected);
  if (memory && parsed.id) entry.memory = { ...memory, id: parsed.id };
  return {
    ...entry,
    status: parsed.status,
    ...(parsed.event && { event: parsed.event }),
    ...(response.headers['idempotency-replayed'] && { replayed: true }),
  };
}

interface ParsedResponse {
  status: number;
  event?: string | undefined;
  id?: string | undefined;
}

function parseRestResponse({ status, headers, body }: HttpResponse): ParsedResponse {
  return { status, event: headers['x-usage-event'], id: body?.id };
}

/** A successful tool result has no status: it counts as the expected one. */
function parseMcpResponse({ status, body }: HttpResponse, expected: number): ParsedResponse {
  if (status !== 200) return { status };
  const { result, error } = body;
  if (error) return { status: error.data?.status ?? 404, event: error.data?.usage_event };
  const { _meta: meta = {}, structuredContent } = result;
  return {
    status: meta['whitemagic/status'] ?? expected,
    event: meta['whitemagic/usage_event'],
    id: structuredContent?.id,
  };
}

function create(transport: Transport, title: string): Call {
  const written = { title, content: `About ${title}` };
  const call =
    transport === 'rest'
      ? rest('memories.create', 201, 'POST', '/memories', written)
      : tool('memories.create', 201, 'create_memory', written);
  return { ...call, memory: { ...written, version: 1 } };
}

function forbiddenCreate(title: string): Call {
  return randomInt(2) === 0
    ? rest('memories.create', 403, 'POST', '/memories', { title, content: 'x' })
    : tool('memories.create', 403, 'create_memory', { title, content: 'x' });
}

function update(transport: Transport, memory: Written): Call {
  const version = memory.version + 1;
  const content = `About ${memory.title}, version ${version}`;
  const call =
    transport === 'rest'
      ? rest('memories.update', 200, 'PATCH', `/memories/${memory.id}`, { content })
      : tool('memories.update', 200, 'update_memory', { id: memory.id, content });
  return { ...call, memory: { ...memory, content, version } };
}

function rest(operation: string, expected: number, method: string, path: string, body?: unknown): Call {
  return { transport: 'rest', operation, expected, request: { method, path: `/api/v1${path}`, body } };
}

function tool(operation: string, expected: number, name: string, input: object): Call {
  return rpc(operation, expected, 'tools/call', { name, arguments: input });
}

function resource(operation: string, expected: number, uri: string): Call {
  return rpc(operation, expected, 'resources/read', { uri });
}

function rpc(operation: string, expected: number, method: string, params: object): Call {
  const body = { jsonrpc: '2.0', id: 1, method, params };
  return { transport: 'mcp_http', operation, expected, request: { method: 'POST', path: '/mcp', body } };
}
