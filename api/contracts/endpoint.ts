import { findOperation } from './index.ts';

/** Returns the name of an operation that users know: over MCP the tool or resource, else method and path. */
export function endpointOf(transport: string, operation: string): string {
  const declared = findOperation(operation);
  if (!declared) return operation;
  if (!transport.startsWith('mcp_')) return `${declared.http.method} /api/v1${declared.http.path}`;
  return declared.mcp?.tool ?? declared.mcp?.resource ?? operation;
}
