import type { ImportedVersion } from '../../../db/queries/memories/imported.ts';
import type { NewMemoryRow } from '../../../db/queries/memories/row.ts';
import type { Caller, RequestContext } from '../../context.ts';
import { Problem } from '../../errors.ts';
import type { Format, FormatOptions } from './draft.ts';
import { labelOf, shortLabel } from './label.ts';
import type { RawRecord } from './record.ts';
import { draftToRow, exportToRow, exportToVersion, type RowOptions } from './to-row.ts';

/** A record of a file: what it stores, or why it does not fit. */
export type Entry = { line: number; label: string } & (
  | { kind: 'memory'; row: NewMemoryRow }
  | { kind: 'version'; row: ImportedVersion }
  | { kind: 'ignored' }
  | { kind: 'rejected'; why: string }
);

/** Applies a format to a record. Never throws for what a file may hold. */
export function parseRecord(
  context: RequestContext,
  caller: Caller,
  record: RawRecord,
  format: Format,
  options: FormatOptions & Omit<RowOptions, 'format'>,
): Entry {
  const { line } = record;
  if ('error' in record) return { line, label: `line ${line}`, kind: 'rejected', why: record.error };
  const place = { line, label: labelOf(record.value, line) };
  const parsed = format.parse(record.value, record.list, options);
  const rowOptions = { ...options, format: format.name };
  try {
    switch (parsed.kind) {
      case 'ignored':
        return { ...place, kind: 'ignored' };
      case 'rejected':
        return { ...place, ...(parsed.what && { label: shortLabel(parsed.what) }), kind: 'rejected', why: parsed.why };
      case 'draft': {
        const row = draftToRow(context, caller, parsed.draft, rowOptions);
        return { line, label: shortLabel(row.title), kind: 'memory', row };
      }
      case 'memory': {
        const row = exportToRow(context, caller, parsed.row, rowOptions);
        return { line, label: shortLabel(row.title), kind: 'memory', row };
      }
      case 'version': {
        const row = exportToVersion(context, caller, parsed.row);
        return { line, label: shortLabel(`${row.title} (version ${row.version})`), kind: 'version', row };
      }
    }
  } catch (error) {
    if (error instanceof Problem) return { ...place, kind: 'rejected', why: error.message };
    throw error;
  }
}
