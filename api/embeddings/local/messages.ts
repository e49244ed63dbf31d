import type { EmbeddedQuery } from '../embedder.ts';

/*
 * The messages between the service and its encoder process. The process takes its settings as arguments
 * (`<model folder> <threads>`) and ends when the channel closes. The service assigns `id` and never reuses one.
 */

export type ToEncoder =
  | { type: 'query'; id: number; text: string }
  /**
   * `isUrgent`: ahead of all other documents, beside queries. `isContinued`: a short last passage is left out. `lead`: text
   * from before this one; the first passage is encoded behind it.
   */
  | { type: 'document'; id: number; text: string; lead: string; isUrgent: boolean; isContinued: boolean }
  /** The caller no longer waits; the task may be done already. */
  | { type: 'cancel'; id: number };

export type FromEncoder =
  | { type: 'ready' }
  /** A passage is encoded: the process works, although its text may not be done for a while. */
  | { type: 'progress' }
  /** The model cannot run on this machine; a restart would not help. */
  | { type: 'unusable'; reason: string }
  /** `vectors` holds one vector per range, concatenated, and `tokens` the codes of the tokens of each. */
  | { type: 'done'; id: number; ranges: { start: number; end: number }[]; vectors: Float32Array; tokens: Uint8Array[] }
  | { type: 'query done'; id: number; query: EmbeddedQuery }
  /** `isRejected`: the text is the reason. */
  | { type: 'failed'; id: number; reason: string; isRejected: boolean };
