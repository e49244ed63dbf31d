import { type Format, firstText, restOf } from '../draft.ts';
import { isObject } from '../record.ts';

const TEXT_KEYS = ['memory', 'content', 'text', 'data'];
/** Keys that become fields, or that mean nothing outside of mem0. */
const KNOWN = [
  ...TEXT_KEYS,
  'id',
  'hash',
  'score',
  'metadata',
  'categories',
  'created_at',
  'updated_at',
  'run_id',
  'state',
  'structured_attributes',
];

/** mem0: what `get_all` or an export returns (a list, or an object with `results` or `memories`), and OpenMemory's `memories.jsonl`. */
export const mem0: Format = {
  name: 'mem0',
  matches: (record) =>
    (typeof record.memory === 'string' && ('id' in record || 'hash' in record || 'user_id' in record)) ||
    (typeof record.content === 'string' && 'state' in record && ('categories' in record || 'app' in record)),
  parse(value) {
    const record = value as Record<string, unknown>;
    const { id, created_at, updated_at, categories, run_id, state } = record;
    const content = firstText(record, TEXT_KEYS);
    if (content === undefined) return { kind: 'rejected', why: 'memory: required' };
    if (state === 'deleted') return { kind: 'rejected', what: content, why: 'was deleted in OpenMemory' };
    const metadata = isObject(record.metadata) ? record.metadata : {};
    return {
      kind: 'draft',
      draft: {
        id,
        content,
        tags: categories ?? undefined,
        created_at,
        updated_at,
        session_id: run_id ?? undefined,
        status: state === 'archived' ? 'archived' : 'active',
        metadata: { source: 'mem0', ...restOf(record, KNOWN), ...metadata },
      },
    };
  },
};
