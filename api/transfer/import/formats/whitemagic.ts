import type { Format } from '../draft.ts';
import { ImportFailure } from '../failure.ts';

/** Kinds of an account export that describe the account. They belong to it, and are not imported. */
const OTHER_KINDS = ['api_key', 'usage_day', 'membership', 'audit'];

/** The account export of WhiteMagic: JSON lines after a manifest. Ids, dates and former versions are kept. */
export const whitemagic: Format = {
  name: 'whitemagic',
  matches: ({ kind, format }) => kind === 'manifest' && format === 'whitemagic-export',
  parse(record) {
    const { kind, ...row } = record as Record<string, unknown>;
    if (kind === 'memory') return { kind: 'memory', row };
    if (kind === 'memory_version') return { kind: 'version', row };
    if (kind === 'manifest') {
      if (row.version !== 1) throw new ImportFailure('This export was made by a newer version of WhiteMagic.');
      return { kind: 'ignored' };
    }
    if (OTHER_KINDS.includes(String(kind))) return { kind: 'ignored' };
    return { kind: 'rejected', why: 'kind: must be memory, memory_version or another kind of an account export' };
  },
};
