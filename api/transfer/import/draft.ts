import type { ImportFormat, MappedField } from '../../contracts/import.ts';

/** A memory as a format describes it, not validated yet. Times are texts or numbers as the source writes them. */
export interface Draft {
  content?: unknown;
  title?: unknown;
  tags?: unknown;
  metadata?: Record<string, unknown>;
  /** Undefined: none given. Null: explicitly none. */
  project?: unknown;
  session_id?: unknown;
  type?: unknown;
  status?: 'active' | 'archived';
  occurred_at?: unknown;
  expires_at?: unknown;
  created_at?: unknown;
  updated_at?: unknown;
  /** A UUID is kept; from another id one is derived, so that importing twice gives the same. */
  id?: unknown;
}

/** A record in the terms of the import, or the reason why it does not fit. */
export type Parsed =
  | { kind: 'draft'; draft: Draft }
  /** A row of an account export of ours. */
  | { kind: 'memory' | 'version'; row: Record<string, unknown> }
  /** A record of another kind, which is not imported. */
  | { kind: 'ignored' }
  | { kind: 'rejected'; why: string; what?: string };

/** Options of a format. */
export interface FormatOptions {
  mapping?: Partial<Record<MappedField, string>> | undefined;
}

/** Reads the records of one format. */
export interface Format {
  name: ImportFormat;
  /**
   * Returns whether a record looks like one of this format.
   * @param list name of the list that holds it, in a JSON document
   */
  matches(record: Record<string, unknown>, list: string | undefined): boolean;
  parse(record: unknown, list: string | undefined, options: FormatOptions): Parsed;
}

/** Returns the first of some keys that holds a text which is not blank. */
export function firstText(record: Record<string, unknown>, keys: readonly string[]): string | undefined {
  for (const key of keys) {
    const value = Object.hasOwn(record, key) ? record[key] : undefined;
    if (typeof value === 'string' && value.trim() !== '') return value;
  }
  return undefined;
}

/** Returns the entries of a record that are not null, without some keys. */
export function restOf(record: Record<string, unknown>, without: readonly string[]): Record<string, unknown> {
  const entries = Object.entries(record).filter(
    ([key, value]) => !without.includes(key) && value !== null && value !== undefined && value !== '',
  );
  return Object.fromEntries(entries);
}
