import type { Caller } from '../api/context.ts';
import type { Outcome } from '../api/pipeline/call.ts';
import type { PipelineDependencies } from '../api/pipeline/dependencies.ts';
import { consumeProtocolRateLimit } from '../api/pipeline/rate-limit.ts';

/**
 * Counts the messages of one request to `/mcp`. Each of them either has an outcome that the pipeline recorded, or is charged to
 * the key's protocol allowance: no message is free, also if the SDK rejects it.
 */
export interface MessageMeter {
  /** Sets the number of messages in the body. Until then, and for an empty batch, the request counts as one message. */
  received(messages: number): void;
  /**
   * Charges messages that the pipeline will not see to the protocol allowance, before they are served.
   * @throws Problem `rate_limited`
   */
  charge(messages: number): Promise<void>;
  /** Counts the message of an outcome, if its usage event is recorded, and sets the headers of its rate limit. */
  finished(outcome: Outcome): void;
  /**
   * Charges the messages that were neither charged nor recorded. Called once, after everything else.
   * @throws Problem `rate_limited`
   */
  settle(): Promise<void>;
}

/** Headers of an outcome that belong to the HTTP response. With several calls in a request the last one wins. */
const RATE_HEADERS = ['RateLimit-Policy', 'RateLimit'];

/** @param setHeaders sets headers of the HTTP response */
export function createMessageMeter(
  pipeline: PipelineDependencies,
  caller: Caller,
  setHeaders: (headers: Record<string, string>) => void,
): MessageMeter {
  let open = 1;
  const charge = async (messages: number): Promise<void> => {
    if (messages <= 0) return;
    // Subtracted first: a message over the limit is rejected, and so accounted for.
    open -= messages;
    setHeaders(await consumeProtocolRateLimit(pipeline, caller, messages));
  };
  return {
    received: (messages) => {
      open = Math.max(1, messages);
    },
    charge,
    finished: ({ eventId, headers }) => {
      if (eventId !== undefined) open--;
      for (const name of RATE_HEADERS) if (headers[name]) setHeaders({ [name]: headers[name] });
    },
    settle: () => charge(open),
  };
}
