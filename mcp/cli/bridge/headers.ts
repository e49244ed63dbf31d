import { isObject, type Message, modernVersion } from './message.ts';
import type { Target } from './target.ts';

/** The parameter that `Mcp-Name` repeats from the body, by method. */
const named: { [method: string]: string } = { 'tools/call': 'name', 'prompts/get': 'name', 'resources/read': 'uri' };

/** A bridge and the client that it serves. */
export interface Bridge {
  version: string;
  /** Protocol version negotiated by `initialize`. */
  negotiated?: string | undefined;
  /** Name and version of the client, from its `initialize`, such as `Claude Code/2.1.328`. */
  client?: string | undefined;
}

/**
 * Returns the headers of a message. A message of the 2026-07-28 era must repeat its version, method and name in headers,
 * equal to the body (else 400, -32020). An older one has the version negotiated by `initialize`.
 */
export function headersFor(
  message: Message,
  target: Target,
  bridge: Bridge,
  idempotencyKey?: string,
): Record<string, string> {
  const headers: Record<string, string> = {
    'Content-Type': 'application/json',
    Accept: 'application/json, text/event-stream',
    Authorization: `Bearer ${target.key}`,
    'User-Agent': `whitemagic-stdio/${bridge.version}`,
    'X-WhiteMagic-Transport': 'mcp_stdio',
  };
  const client = clientOf(message) ?? bridge.client;
  // The service records it with each call, and knows no sessions.
  if (client) headers['X-WhiteMagic-Client'] = client;
  if (idempotencyKey) headers['Idempotency-Key'] = idempotencyKey;
  if (target.projectHeader) headers['X-WhiteMagic-Project'] = target.projectHeader;
  const modern = modernVersion(message);
  const version = modern ?? (message.method === 'initialize' ? undefined : bridge.negotiated);
  if (version) headers['MCP-Protocol-Version'] = headerValue(version);
  if (modern && message.method) {
    headers['Mcp-Method'] = headerValue(message.method);
    const name = message.params?.[named[message.method] ?? ''];
    if (typeof name === 'string') headers['Mcp-Name'] = headerValue(name);
  }
  return headers;
}

/** Returns the product token of the client that sends `initialize`, in visible ASCII; undefined for other messages. */
export function clientOf(message: Message): string | undefined {
  if (message.method !== 'initialize') return undefined;
  const info = message.params?.clientInfo;
  if (!isObject(info) || typeof info.name !== 'string') return undefined;
  const name = productPart(info.name.replace(/\(.*/s, ''));
  if (!/^[A-Za-z]/.test(name)) return undefined;
  const version = typeof info.version === 'string' ? productPart(info.version) : '';
  return version ? `${name}/${version}` : name;
}

function productPart(text: string): string {
  return text
    .slice(0, 60)
    .replace(/[^A-Za-z0-9._+-]+/g, '-')
    .replace(/^-+|-+$/g, '');
}

/** Encodes a value by the MCP specification: visible ASCII unchanged, anything else in Base64 with a marker. */
function headerValue(value: string): string {
  const plain = /^[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?$/.test(value) && !value.startsWith('=?base64?');
  return plain ? value : `=?base64?${Buffer.from(value, 'utf8').toString('base64')}?=`;
}
