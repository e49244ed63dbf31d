/** A JSON-RPC id as MCP allows it. */
export type Id = string | number;

/** A JSON-RPC message as far as the bridge looks into it: the rest is the server's business. */
export interface Message {
  id?: Id | null;
  method?: string;
  params?: { [name: string]: unknown };
  result?: unknown;
  error?: unknown;
}

/** True for a JSON object, which every JSON-RPC message is. */
export function isObject(value: unknown): value is { [name: string]: unknown } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A message that wants an answer: a method and an id. */
export function isRequest(message: Message): message is Message & { id: Id; method: string } {
  return typeof message.method === 'string' && (typeof message.id === 'string' || typeof message.id === 'number');
}

/** A message that is an answer. */
export function isAnswer(message: Message): boolean {
  return message.method === undefined && (message.result !== undefined || message.error !== undefined);
}

const reads =
  /^(initialize|ping|server\/discover|tools\/list|resources\/.+|prompts\/.+|completion\/complete|logging\/setLevel)$/;

/** Methods that change nothing when they are carried out twice, so that they may be sent again after any failure. */
export function isRead(method: string): boolean {
  return reads.test(method);
}

/** The method a client opens with. On its failure an IDE gives up on the whole server, so it is worth a longer wait. */
export function isFirstContact(method: string): boolean {
  return method === 'initialize' || method === 'server/discover';
}

/** The protocol revision that a message of the 2026-07-28 era carries in itself; older messages carry none. */
export function modernVersion(message: Message): string | undefined {
  const meta = message.params?._meta;
  const version = isObject(meta) ? meta['io.modelcontextprotocol/protocolVersion'] : undefined;
  return typeof version === 'string' ? version : undefined;
}

/**
 * Any JSON text as one line, unchanged in meaning: a line break can only stand between tokens, while U+2028 and
 * U+2029 can only stand inside strings, where clients that read by `node:readline` would tear the line apart.
 */
export function asLine(json: string): string {
  return json
    .trim()
    .replace(/[\r\n]+/g, ' ')
    .replaceAll('\u2028', '\\u2028')
    .replaceAll('\u2029', '\\u2029');
}
