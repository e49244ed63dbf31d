import { type Definition, RpcError } from './definition.ts';
import { errorResponse, type RpcRequest } from './messages.ts';

const EXCHANGE = { clientCapabilities: {}, inputResponses: undefined };

/**
 * Serves a request of the protocol versions up to 2025-11-25 directly: these have no envelope, and `checkMessage` has checked the params,
 * so that a server, a transport and web objects of the SDK for each call would add time only. What the SDK itself implements
 * (`initialize`, `ping`, unknown methods, batches) is left to it. The conformance suites judge both.
 * @returns the JSON of the response; undefined for a method that the definition does not have
 */
export async function dispatch(
  { handlers }: Definition,
  { id, method, params }: RpcRequest,
): Promise<string | undefined> {
  const handler = Object.hasOwn(handlers, method) ? handlers[method] : undefined;
  if (!handler) return undefined;
  try {
    return JSON.stringify({ result: await handler(params ?? {}, EXCHANGE), jsonrpc: '2.0', id });
  } catch (error) {
    if (!(error instanceof RpcError)) throw error;
    return JSON.stringify(errorResponse(id, error.code, error.message, error.data));
  }
}
