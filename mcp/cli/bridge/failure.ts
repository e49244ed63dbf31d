import { asLine, type Id, type Message, modernVersion } from './message.ts';

/** JSON-RPC codes of the bridge's own failures: the implementation's range, clear of those that MCP gives a meaning. */
const rpcCodes = {
  unreachable: -32000,
  timeout: -32001,
  refused: -32003,
  bad_answer: -32004,
  not_configured: -32005,
  broken: -32006,
} as const;

/** Why a message got no answer from the service. */
export type FailureKind = keyof typeof rpcCodes;

/** What is known of a failure beyond its sentence. */
export interface FailureFacts {
  /** HTTP status, if the service answered at all. */
  status?: number;
  /** The service's error code, or the network's (`ECONNREFUSED`). */
  code: string;
  /** The service's id of this request, for support. */
  requestId?: string;
  /** Certainly nothing reached the service, so that even a tool call may be sent again. */
  unsent?: boolean;
  /** May well be gone in a moment. */
  transient?: boolean;
  /** How long the service asked to wait. */
  retryAfterMs?: number;
  /** The JSON-RPC error that the service itself answered, to be passed on as it is. */
  rawAnswer?: string;
}

/** A request that was not answered, with a sentence for the model or person who must do something about it. */
export class Failure extends Error {
  readonly kind: FailureKind;
  readonly facts: FailureFacts;

  constructor(kind: FailureKind, sentence: string, facts: FailureFacts) {
    super(sentence);
    this.kind = kind;
    this.facts = facts;
  }
}

/** A JSON-RPC error as a line. */
export function errorLine(id: Id | null, code: number, message: string, data?: unknown): string {
  return asLine(JSON.stringify({ jsonrpc: '2.0', id, error: { code, message, ...(data ? { data } : {}) } }));
}

/**
 * The line that answers a request which failed. A tool call gets a tool result, since hosts show the model a result
 * and treat a protocol error as their own affair. The service's own JSON-RPC error goes through untouched (clients of
 * both eras decide by it how to go on), except that a tool call with a refused key gets the sentence that says which.
 */
export function failureLine(request: Message & { id: Id; method: string }, failure: Failure): string {
  const { status, code, requestId, rawAnswer } = failure.facts;
  const isCall = request.method === 'tools/call';
  if (rawAnswer && !(isCall && status === 401)) return rawAnswer;
  if (!isCall) {
    return errorLine(request.id, rpcCodes[failure.kind], failure.message, { status, code, request_id: requestId });
  }
  const result = { content: [{ type: 'text', text: failure.message }], isError: true };
  const complete = modernVersion(request) ? { resultType: 'complete' } : {};
  return asLine(JSON.stringify({ jsonrpc: '2.0', id: request.id, result: { ...result, ...complete } }));
}
