import type { Context } from 'koa';
import type { Caller } from '../context.ts';

/** State of a request that middleware and routes share. */
export interface RequestState {
  requestId: string;
  caller?: Caller;
  operation?: string;
  /** Whether access tokens of OAuth are accepted, beside API keys. */
  acceptsTokens?: boolean;
  /** Milliseconds in which the body must arrive; undefined for the default. */
  bodyMs?: number | undefined;
  /** Size of the body, once it is read. */
  bytesIn?: number;
  /** Id of the JSON-RPC request, once it is read. */
  rpcId?: string | number;
}

/** Returns the state of a request. */
export function stateOf(ctx: Context): RequestState {
  return ctx.state as RequestState;
}
