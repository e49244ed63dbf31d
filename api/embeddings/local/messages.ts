/*
 * What the service and its encoder process say to each other. The process gets its settings as arguments
 * (`<model folder> <threads>`); everything else is one of these, and it ends when the channel closes. `id` is given by the service and never reused.
 */

export type ToEncoder =
  | { type: 'query'; id: number; text: string }
  | { type: 'document'; id: number; text: string }
  /** Nobody waits for this any more; it may have been answered already. */
  | { type: 'cancel'; id: number };

export type FromEncoder =
  | { type: 'ready' }
  /** The model cannot run here, and would not at another try. */
  | { type: 'refused'; reason: string }
  /** `vectors` has one for each range (a query: one, and no range), one after the other. */
  | { type: 'done'; id: number; ranges: { start: number; end: number }[]; vectors: Float32Array }
  | { type: 'failed'; id: number; reason: string };
