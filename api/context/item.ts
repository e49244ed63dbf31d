import type { MemoryRow } from '../../db/queries/memories/row.ts';

/** A memory as it may be included in a context package. */
export interface Item {
  memory: MemoryRow;
  text: string;
  /** True when `text` is less than the memory's content. */
  cut: boolean;
  hasExpired: boolean;
  /** Superseded or expired: included only in tokens that nothing else needs. */
  outdated: boolean;
  /** Relevance to the query; undefined without one. */
  score?: number | undefined;
  /** Returns where in `text` the most relevant passage starts; called only when the text has to be cut. */
  passageStart?: (() => number) | undefined;
}
