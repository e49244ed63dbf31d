/** The params of a request, as `normalizeMessage` and `checkMessage` leave them. */
export type Params = Record<string, unknown>;

/** The members of a request besides its params. Both are empty up to 2025-11-25, since the server keeps no sessions. */
export interface Exchange {
  /** Capabilities that the client declares with this request. */
  clientCapabilities: Readonly<Record<string, unknown>>;
  /** Responses of the client to the requests of a former `input_required` result, by their names. */
  inputResponses: Readonly<Record<string, unknown>> | undefined;
}

/** Serves one method. A thrown {@link RpcError} becomes the JSON-RPC error of the request. */
export type Handler = (params: Params, exchange: Exchange) => object | Promise<object>;

/** Time for which a client may keep a result, and whether it is the same for every caller. Sent since 2026-07-28. */
interface CacheHint {
  ttlMs: number;
  cacheScope: 'public' | 'private';
}

/** An MCP server for one request of one caller, independent of the protocol version and of any SDK. */
export interface Definition {
  info: { name: string; version: string; [member: string]: unknown };
  instructions?: string;
  capabilities: Record<string, object>;
  /** By method. `initialize`, `server/discover` and `ping` are the SDK's. */
  handlers: Readonly<Record<string, Handler>>;
  cacheHints: Readonly<Record<string, CacheHint>>;
}

/** Codes of JSON-RPC errors (JSON-RPC 2.0, section 5.1, and MCP). */
export const RPC = {
  parseError: -32700,
  invalidRequest: -32600,
  methodNotFound: -32601,
  invalidParams: -32602,
  internalError: -32603,
  /** The code up to 2025-11-25; later versions use {@link RPC.invalidParams}, which the adapter sends instead. */
  resourceNotFound: -32002,
  unsupportedVersion: -32022,
} as const;

/** A JSON-RPC error. */
export class RpcError extends Error {
  override readonly name = 'RpcError';
  readonly code: number;
  readonly data: Record<string, unknown> | undefined;

  constructor(code: number, message: string, data?: Record<string, unknown>) {
    super(message);
    this.code = code;
    this.data = data;
  }
}
