/** A JSON-RPC id as MCP allows it. */
export type Id = string | number;

/** The parts of a JSON-RPC message that the bridge reads. */
export interface Message {
  id?: Id | null;
  method?: string;
  params?: { [name: string]: unknown };
  result?: unknown;
  error?: unknown;
}

/** Checks for a JSON object, which every JSON-RPC message is. */
export function isObject(value: unknown): value is { [name: string]: unknown } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Checks for a request, which has a method and an id. */
export function isRequest(message: Message): message is Message & { id: Id; method: string } {
  return typeof message.method === 'string' && (typeof message.id === 'string' || typeof message.id === 'number');
}

/** Checks for a response. */
export function isResponse(message: Message): boolean {
  return message.method === undefined && (message.result !== undefined || message.error !== undefined);
}

const reads =
  /^(initialize|ping|server\/discover|tools\/list|resources\/.+|prompts\/.+|completion\/complete|logging\/setLevel)$/;

/** Checks for a method that is safe to repeat, and so may be sent again after any failure. */
export function isRead(method: string): boolean {
  return reads.test(method);
}

/** Checks for the first request of a client. When it fails, an IDE disables the whole server, so it is retried longer. */
export function isHandshake(method: string): boolean {
  return method === 'initialize' || method === 'server/discover';
}

/** Returns the protocol version in a message of the 2026-07-28 era; older messages contain none. */
export function modernVersion(message: Message): string | undefined {
  const meta = message.params?._meta;
  const version = isObject(meta) ? meta['io.modelcontextprotocol/protocolVersion'] : undefined;
  return typeof version === 'string' ? version : undefined;
}

/**
 * Converts JSON to one line without changing its meaning. Line breaks can only occur between tokens. U+2028 and U+2029
 * can only occur in strings, and clients that use `node:readline` would split the line there.
 */
export function asLine(json: string): string {
  return json
    .trim()
    .replace(/[\r\n]+/g, ' ')
    .replaceAll('\u2028', '\\u2028')
    .replaceAll('\u2029', '\\u2029');
}
