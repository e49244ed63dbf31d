import { type Message, modernVersion } from './message.ts';
import type { Target } from './target.ts';

/** The parameter that `Mcp-Name` repeats from the body, by method. */
const named: { [method: string]: string } = { 'tools/call': 'name', 'prompts/get': 'name', 'resources/read': 'uri' };

/**
 * Returns the headers of a message. A message of the 2026-07-28 era must repeat its version, method and name in headers,
 * equal to the body (else 400, -32020). An older one has the version negotiated by `initialize`.
 */
export function headersFor(
  message: Message,
  target: Target,
  bridge: { version: string; negotiated?: string | undefined },
): Record<string, string> {
  const headers: Record<string, string> = {
    'Content-Type': 'application/json',
    Accept: 'application/json, text/event-stream',
    Authorization: `Bearer ${target.key}`,
    'User-Agent': `whitemagic-stdio/${bridge.version}`,
    'X-WhiteMagic-Transport': 'mcp_stdio',
  };
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

/** Encodes a value by the MCP specification: visible ASCII unchanged, anything else in Base64 with a marker. */
function headerValue(value: string): string {
  const plain = /^[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?$/.test(value) && !value.startsWith('=?base64?');
  return plain ? value : `=?base64?${Buffer.from(value, 'utf8').toString('base64')}?=`;
}
