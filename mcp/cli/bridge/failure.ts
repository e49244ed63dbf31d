import { asLine, type Id, type Message, modernVersion } from './message.ts';

/** JSON-RPC codes of the bridge's own errors, in the range for implementations and apart from those defined by MCP. */
const rpcCodes = {
  unreachable: -32000,
  timeout: -32001,
  rejected: -32003,
  bad_response: -32004,
  not_configured: -32005,
  broken: -32006,
} as const;

/** Reason why a message got no response from the service. */
type FailureKind = keyof typeof rpcCodes;

/** Details of a failure besides its message. */
export interface FailureDetails {
  /** HTTP status, if there was a response. */
  status?: number;
  /** Error code of the service or of the network (`ECONNREFUSED`). */
  code: string;
  /** Request id of the service, for support. */
  requestId?: string;
  /** True if certainly nothing reached the service, so that even a tool call can be sent again. */
  unsent?: boolean;
  /** True if another attempt may succeed. */
  transient?: boolean;
  /** Delay requested by `Retry-After`. */
  retryAfterMs?: number;
  /** JSON-RPC error returned by the service, to be passed on unchanged. */
  rawResponse?: string;
}

/** A request without a response. Its message tells the model or user what to do. */
export class Failure extends Error {
  readonly kind: FailureKind;
  readonly details: FailureDetails;

  constructor(kind: FailureKind, message: string, details: FailureDetails) {
    super(message);
    this.kind = kind;
    this.details = details;
  }
}

/** Serializes a JSON-RPC error as one line. */
export function errorLine(id: Id | null, code: number, message: string, data?: unknown): string {
  return asLine(JSON.stringify({ jsonrpc: '2.0', id, error: { code, message, ...(data ? { data } : {}) } }));
}

/**
 * Serializes the response to a failed request. A tool call gets a tool result, since hosts show results to the model but
 * handle protocol errors themselves. A JSON-RPC error of the service is passed on unchanged, since clients of both
 * protocol eras react to it, except that a tool call with a rejected key gets a message that says which key.
 */
export function failureLine(request: Message & { id: Id; method: string }, failure: Failure): string {
  const { status, code, requestId, rawResponse } = failure.details;
  const isCall = request.method === 'tools/call';
  if (rawResponse && !(isCall && status === 401)) return rawResponse;
  if (!isCall) {
    return errorLine(request.id, rpcCodes[failure.kind], failure.message, { status, code, request_id: requestId });
  }
  const result = { content: [{ type: 'text', text: failure.message }], isError: true };
  const complete = modernVersion(request) ? { resultType: 'complete' } : {};
  return asLine(JSON.stringify({ jsonrpc: '2.0', id: request.id, result: { ...result, ...complete } }));
}
