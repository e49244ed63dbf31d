import { tracingChannel } from 'node:diagnostics_channel';

/** A piece of work whose time is measured where tracing is on. Holds names of ours and ids, never a value that a tenant sent. */
export interface SpanData {
  /** Low in cardinality: the name of an operation, a statement or a task. */
  name: string;
  kind: 'operation' | 'sql' | 'encoder' | 'job';
  /** Read when the work ends, so that results can be added to it. */
  attributes: Record<string, string | number>;
}

/** Reports work that begins and ends. `api/observability/tracing.ts` subscribes to it; without tracing, it has no subscriber. */
export const SPANS = tracingChannel<unknown, SpanData>('whitemagic:span');

/** Runs work as a span, below the one that it is called in. Costs one comparison where tracing is off. */
export function traced<T>(span: SpanData | (() => SpanData), work: () => Promise<T>): Promise<T> {
  if (!SPANS.hasSubscribers) return work();
  return SPANS.tracePromise(work, typeof span === 'function' ? span() : span);
}
