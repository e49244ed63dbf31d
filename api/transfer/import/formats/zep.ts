import { type Format, firstText, restOf } from '../draft.ts';

const KNOWN = [
  'uuid',
  'fact',
  'content',
  'summary',
  'created_at',
  'valid_at',
  'invalid_at',
  'expired_at',
  'thread_id',
  'session_id',
  'score',
  'relevance',
  'fact_embedding',
  'name_embedding',
];

/** Zep and Graphiti: facts (edges), episodes and messages, and the summaries of nodes, as the SDK returns them. */
export const zep: Format = {
  name: 'zep',
  matches: (record, list) =>
    ('fact' in record && ('uuid' in record || 'valid_at' in record || 'source_node_uuid' in record)) ||
    ('uuid' in record && 'content' in record && ('role' in record || 'role_type' in record || 'source' in record)) ||
    ('uuid' in record && 'summary' in record && ('labels' in record || list === 'nodes')),
  parse(value) {
    const record = value as Record<string, unknown>;
    const { uuid: id, name, created_at, valid_at } = record;
    const content = firstText(record, ['fact', 'content', 'summary']);
    const label = firstText(record, ['name']);
    if (content === undefined) {
      return { kind: 'rejected', ...(label && { what: label }), why: 'fact, content or summary: required' };
    }
    const isNode = !('fact' in record) && !('content' in record);
    return {
      kind: 'draft',
      draft: {
        id,
        content,
        title: isNode ? label : undefined,
        tags: 'fact' in record && typeof name === 'string' && name.length <= 100 ? [name] : [],
        session_id: record.thread_id ?? record.session_id ?? undefined,
        created_at,
        occurred_at: valid_at ?? undefined,
        expires_at: record.invalid_at ?? record.expired_at ?? undefined,
        metadata: { source: 'zep', ...restOf(record, KNOWN) },
      },
    };
  },
};
