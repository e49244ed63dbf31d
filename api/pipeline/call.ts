import type { Sql } from '../../db/client/sql.ts';
import type { Caller } from '../context.ts';
import type { Streamed } from '../contracts/operation.ts';
import type { Problem } from '../errors.ts';

/** One authenticated call of an operation, over any transport. */
export interface Call {
  /** UUIDv7 that becomes the id of the usage event. */
  eventId: string;
  requestId: string;
  caller: Caller;
  /** HTTP method or MCP method. */
  method: string;
  /** Product token of the client, such as `claude-code/2.1.328`; null when it did not name itself. */
  client: string | null;
  bytesIn: number;
  idempotencyKey?: string | undefined;
  /**
   * Completes the input before it is validated, such as an id of which the caller sent the beginning. Runs once the call is authorized
   * and within its limits.
   * @throws Problem of the operation
   */
  resolve?: ((sql: Sql, caller: Caller) => Promise<unknown>) | undefined;
  /**
   * Renders a result for a transport that does not send it as JSON. `max_tokens` applies to the longest form that is shown. `isReceipt`: the result is
   * the operation's receipt, for a caller that may not read.
   */
  render?: ((result: unknown, isReceipt?: boolean) => Rendering) | undefined;
}

/** A result as MCP sends it. */
export interface Rendering {
  /** For the model to read. */
  text: string;
  /** For programs. */
  structuredContent?: Record<string, unknown> | undefined;
  /** Every form in which a host may show the result to a model. */
  shown: readonly string[];
}

/** The response to a call: of a success the result in the forms that a transport sends, of a failure the problem. */
export interface Outcome {
  status: number;
  headers: Record<string, string>;
  /** The result of a success, validated against the operation's output. */
  body?: unknown;
  /** The serialized result: JSON, unless `type` names another media type. */
  text?: string;
  /** Replaces `text` for a file, which is sent in chunks. */
  stream?: Streamed;
  type?: string;
  /** The result as {@link Call.render} returned it. */
  rendering?: Rendering;
  problem?: Problem;
  /** Id of the recorded usage event: for a replay that of the first call, undefined where none could be recorded. */
  eventId?: string;
}
