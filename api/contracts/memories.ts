import { z } from 'zod';
import * as f from './fields.ts';
import { operation } from './operation.ts';
import * as receipts from './receipts.ts';

/** A memory, as every transport returns it. */
export const memory = z.strictObject({
  id: f.id,
  type: f.memoryType,
  status: f.memoryStatus,
  title: z.string(),
  content: z.string(),
  tags: z.array(z.string()),
  metadata: z.record(z.string(), z.unknown()),
  project: z.string().nullable(),
  session_id: z.string().nullable(),
  occurred_at: f.instant.nullable(),
  expires_at: f.instant.nullable(),
  supersedes: f.id.nullable().meta({ description: 'The memory that this one replaces.' }),
  superseded_by: f.id.nullable().meta({ description: 'The active memory that replaces this one.' }),
  consolidated_into: f.id.nullable().meta({ description: 'The digest that a consolidation put this memory into.' }),
  version: z.int(),
  size_bytes: z.int(),
  created_at: f.instant,
  updated_at: f.instant,
});
export type Memory = z.output<typeof memory>;

const editable = {
  title: f.text(f.LIMITS.titleLength),
  content: f.text(Number.MAX_SAFE_INTEGER).meta({ minLength: 1, maxLength: undefined }),
  type: f.memoryType,
  tags: f.tags.meta({ description: 'Trimmed, lower-cased, inner white space becomes `_`, duplicates dropped.' }),
  metadata: f.metadata,
  project: f.project.nullable().meta({ description: 'What it belongs to, such as a repository. Null: to none.' }),
  session_id: f.sessionId.nullable().meta({ description: 'The session it comes from.' }),
  occurred_at: f.moment.nullable().meta({ description: 'When what it tells of happened.' }),
  expires_at: f.moment.nullable().meta({ description: 'From when on it no longer holds.' }),
  supersedes: f.id.nullable().meta({ description: 'Id of the memory that this one replaces; both stay.' }),
};

/** What a create takes. */
export const newMemory = z.strictObject({
  title: editable.title,
  content: editable.content,
  type: editable.type.default('short_term'),
  tags: editable.tags.default([]),
  metadata: editable.metadata.default({}),
  project: editable.project.optional(),
  session_id: editable.session_id.optional(),
  occurred_at: editable.occurred_at.optional(),
  expires_at: editable.expires_at.optional(),
  supersedes: editable.supersedes.optional(),
});
export type NewMemory = z.output<typeof newMemory>;

const etag = (memory: Memory) => ({ ETag: `"${memory.version}"` });
const version = z.int().min(1).max(2_147_483_647);
/** Any number may be asked for: what is not the present version is a lost race, not a mistake. */
const ifVersion = z.int().min(0).meta({ description: 'Version that it must be at.' });

/** A create's answer. */
export const created = memory.extend({
  deduplicated: z.boolean().meta({ description: 'True for an exact duplicate: returns the stored memory.' }),
  similar: z.array(z.strictObject({ id: f.id, score: z.number() })).meta({
    description: 'Near-duplicates, by their share of common words.',
  }),
  changed: z.array(z.enum(['tags', 'metadata'])).meta({ description: 'Fields that were merged into it.' }),
});

export const create = operation({
  id: 'memories.create',
  summary: 'Store a memory',
  description:
    'Durable and findable by the next call. An exact repeat of an active memory answers that one with 200 and `deduplicated: true`; its tags and metadata take up the new ones.',
  tag: 'memories',
  http: {
    method: 'POST',
    path: '/memories',
    statuses: [201, 200],
    status: (memory) => (memory.deduplicated ? 200 : 201),
    headers: (memory) => ({ Location: `/api/v1/memories/${memory.id}`, ...etag(memory) }),
  },
  mcp: { tool: 'create_memory' },
  access: { scope: 'memories:write' },
  execution: { kind: 'write' },
  input: newMemory,
  output: created,
  receipt: receipts.memoryReceipt,
  errors: ['storage_full'],
});

export const list = operation({
  id: 'memories.list',
  summary: 'List memories',
  tag: 'memories',
  http: { method: 'GET', path: '/memories', statuses: [200] },
  mcp: { tool: 'list_memories' },
  access: { scope: 'memories:read' },
  execution: { kind: 'read' },
  input: z.strictObject({
    ...f.filterFields,
    sort: z.enum(['created_at', 'updated_at', 'occurred_at', 'title']).default('created_at'),
    order: z.enum(['asc', 'desc']).default('desc'),
    limit: f.limit(50),
    cursor: f.cursor.optional(),
    max_tokens: f.maxTokens(100_000).optional().meta({
      description: 'Tokens that the answer may take; contents are cut to fit, and one memory is always in it.',
    }),
  }),
  output: z.strictObject({
    ...f.page(
      memory.extend({ truncated: z.boolean().optional().meta({ description: 'True where something was cut.' }) }),
    ),
    truncated: z.boolean().meta({ description: 'True when `max_tokens` truncated it.' }),
    reason: z.enum(['nothing_stored', 'nothing_matched']).optional(),
  }),
  errors: [],
});

export const get = operation({
  id: 'memories.get',
  summary: 'Read a memory',
  tag: 'memories',
  http: { method: 'GET', path: '/memories/{id}', statuses: [200], headers: etag },
  mcp: { tool: 'get_memory' },
  access: { scope: 'memories:read' },
  execution: { kind: 'read', connection: 'shared' },
  input: z.strictObject({
    id: f.id,
    offset: z.int().min(0).default(0).meta({ description: 'Character of the content to start at.' }),
    max_tokens: f.maxTokens(100_000).optional().meta({ description: 'Tokens that the answer may take.' }),
  }),
  output: memory.extend({
    truncated: z.boolean(),
    next_offset: z.int().nullable().meta({ description: '`offset` of the rest, when the content was cut.' }),
    truncated_fields: z.array(z.string()).optional().meta({ description: 'Other fields that `max_tokens` truncated.' }),
  }),
  errors: ['not_found'],
});

export const replace = operation({
  id: 'memories.replace',
  summary: 'Replace a memory',
  description:
    'What is left out takes its default, but for `type`, which stays. The former state is kept as a version.',
  tag: 'memories',
  http: { method: 'PUT', path: '/memories/{id}', statuses: [200], ifMatch: true, headers: etag },
  access: { scope: 'memories:write' },
  execution: { kind: 'write' },
  input: newMemory.extend({ type: editable.type.optional(), id: f.id, if_version: ifVersion.optional() }),
  output: memory,
  receipt: receipts.memoryReceipt,
  errors: ['not_found', 'duplicate_memory', 'storage_full'],
});

export const update = operation({
  id: 'memories.update',
  summary: 'Change a memory',
  description:
    'Only what is named changes. `tags` replaces all tags, and then `add_tags` and `remove_tags` are ignored; otherwise tags are added first, then removed.',
  tag: 'memories',
  http: { method: 'PATCH', path: '/memories/{id}', statuses: [200], ifMatch: true, headers: etag },
  mcp: { tool: 'update_memory' },
  access: { scope: 'memories:write' },
  execution: { kind: 'write' },
  input: z.strictObject({
    id: f.id,
    title: editable.title.optional(),
    content: editable.content.optional(),
    type: editable.type.optional(),
    tags: editable.tags.optional(),
    add_tags: f.tags.optional().meta({ description: 'Tags to add.' }),
    remove_tags: f.tags.optional().meta({ description: 'Tags to take away.' }),
    metadata: editable.metadata.optional(),
    metadata_merge: f.metadata.optional().meta({
      description: 'Changes single metadata keys (RFC 7396); null removes one.',
    }),
    project: editable.project.optional(),
    session_id: editable.session_id.optional(),
    occurred_at: editable.occurred_at.optional(),
    expires_at: editable.expires_at.optional(),
    supersedes: editable.supersedes.optional(),
    if_version: ifVersion.optional(),
  }),
  output: memory,
  receipt: receipts.memoryReceipt,
  errors: ['not_found', 'duplicate_memory', 'storage_full'],
});

export const remove = operation({
  id: 'memories.delete',
  summary: 'Archive a memory, or remove it for good',
  tag: 'memories',
  http: { method: 'DELETE', path: '/memories/{id}', statuses: [200], ifMatch: true },
  mcp: { tool: 'delete_memory' },
  access: { scope: 'memories:write' },
  execution: { kind: 'write' },
  input: z.strictObject({
    id: f.id,
    permanent: z.boolean().default(false).meta({ description: 'Deletes it and its versions for good.' }),
    if_version: ifVersion.optional(),
  }),
  output: z.strictObject({ id: f.id, status: z.enum(['archived', 'deleted']), version: z.int().nullable() }),
  receipt: receipts.removedReceipt,
  errors: ['not_found'],
});

export const restore = operation({
  id: 'memories.restore',
  summary: 'Bring back an archived memory, or a former version',
  tag: 'memories',
  http: { method: 'POST', path: '/memories/{id}/restore', statuses: [200], headers: etag },
  mcp: { tool: 'restore_memory' },
  access: { scope: 'memories:write' },
  execution: { kind: 'write' },
  input: z.strictObject({
    id: f.id,
    type: f.memoryType.optional().meta({ description: 'Default: the type it has.' }),
    version: version.optional().meta({ description: 'Version to restore the fields of.' }),
  }),
  output: memory,
  receipt: receipts.memoryReceipt,
  errors: ['not_found', 'duplicate_memory', 'storage_full'],
});

export const versions = operation({
  id: 'memories.versions',
  summary: 'List the former versions of a memory',
  tag: 'memories',
  http: { method: 'GET', path: '/memories/{id}/versions', statuses: [200] },
  access: { scope: 'memories:read' },
  execution: { kind: 'read' },
  input: z.strictObject({ id: f.id, limit: f.limit(20), cursor: f.cursor.optional() }),
  output: z.strictObject(
    f.page(
      memory
        .omit({ id: true, created_at: true, updated_at: true, consolidated_into: true, superseded_by: true })
        .extend({
          written_at: f.instant.meta({ description: 'When this state came to be.' }),
        }),
    ),
  ),
  errors: ['not_found'],
});

export const batch = operation({
  id: 'memories.batch',
  summary: 'Store up to 100 memories',
  description: 'Items are stored independently: a rejected one reports its error, and the others are stored.',
  tag: 'memories',
  http: { method: 'POST', path: '/memories/batch', statuses: [200] },
  access: { scope: 'memories:write' },
  execution: { kind: 'write' },
  cost: { items: itemCount },
  input: z.strictObject({
    // Items are validated one by one, so that an invalid one does not reject the rest.
    memories: z
      .array(z.unknown().meta({ documentedAs: newMemory }))
      .min(1)
      .max(f.LIMITS.batch),
  }),
  output: z.strictObject({
    results: z.array(
      z.strictObject({
        index: z.int(),
        status: z.enum(['created', 'deduplicated', 'rejected']),
        id: f.id.nullable(),
        error: z
          .strictObject({
            code: z.string(),
            detail: z.string(),
            errors: z.array(z.strictObject({ path: z.string(), message: z.string() })),
          })
          .optional(),
      }),
    ),
  }),
  receipt: receipts.batchReceipt,
  errors: ['storage_full'],
});

function itemCount(input: unknown): number {
  const items = input && typeof input === 'object' && 'memories' in input ? input.memories : [];
  return Array.isArray(items) ? Math.min(items.length, f.LIMITS.batch) : 0;
}

/** True when a filter lets less than every active memory through: a forgotten tag must not delete everything. */
function narrows({ status, tags, tags_match, project, ...others }: z.output<typeof bulkFilter>): boolean {
  if (status !== 'active' || tags_match === 'exact' || tags?.some((tag) => tag.trim() !== '')) return true;
  if (project !== undefined && project !== '*') return true;
  return Object.values(others).some((value) => value !== undefined);
}

const bulkFilter = z.strictObject({ ...f.filterFields, ids: z.array(f.id).min(1).max(f.LIMITS.bulk).optional() });

export const bulk = operation({
  id: 'memories.bulk',
  summary: 'Archive, restore, delete or retag many memories',
  description:
    'Acts on at most 1,000 memories a call, oldest first; `remaining` says how many are left. A dry run answers what a real one would do, and changes nothing.',
  tag: 'memories',
  http: { method: 'POST', path: '/memories/bulk', statuses: [200] },
  access: { scope: 'memories:write' },
  execution: { kind: 'write' },
  input: z.strictObject({
    filter: bulkFilter.refine(narrows, 'must narrow by something; to act on everything, say `"status": "all"`'),
    action: z.enum(['archive', 'restore', 'delete', 'add_tags', 'remove_tags']),
    tags: f.tags.optional().meta({ description: 'The tags of `add_tags` and `remove_tags`.' }),
    dry_run: z.boolean().default(true),
  }),
  output: z.strictObject({
    dry_run: z.boolean(),
    action: z.string(),
    matched: z.int().meta({ description: 'How many memories the filter lets through.' }),
    changed: z.array(f.id),
    rejected: z.array(z.strictObject({ id: f.id, code: z.string(), detail: z.string() })),
    remaining: z.int(),
  }),
  receipt: receipts.bulkReceipt,
  errors: ['storage_full'],
});

export const consolidate = operation({
  id: 'memories.consolidate',
  summary: 'Turn old short-term memories into long-term knowledge',
  description:
    'Active short-term memories not edited for `min_age_days`: those tagged heuristic, pattern, proven, decision or insight become long-term; the others go into a long-term digest and are archived with a link to it.',
  tag: 'memories',
  http: { method: 'POST', path: '/consolidate', statuses: [200] },
  mcp: { tool: 'consolidate_memories' },
  access: { scope: 'memories:write' },
  execution: { kind: 'write' },
  input: z.strictObject({
    dry_run: z.boolean().default(true).meta({ description: 'Only tell what would be done.' }),
    min_age_days: z.number().min(0).max(36_500).default(7).meta({ description: 'Days without an edit.' }),
    project: f.filterFields.project,
    max_tokens: f.maxTokens(100_000).optional().meta({ description: 'Tokens that the answer may take.' }),
  }),
  output: z.strictObject({
    dry_run: z.boolean(),
    promoted: z.array(z.strictObject({ id: f.id, title: z.string() })),
    archived: z.array(z.strictObject({ id: f.id, title: z.string(), digest_id: f.id.nullable() })),
    digests: z.array(z.strictObject({ id: f.id.nullable(), title: z.string() })),
    counts: z
      .strictObject({ promoted: z.int(), archived: z.int(), digests: z.int() })
      .meta({ description: 'Including those that `max_tokens` left out.' }),
    truncated: z.boolean().meta({ description: 'True when `max_tokens` cut the lists.' }),
    remaining: z.int().meta({ description: 'Candidates left for further calls.' }),
  }),
  receipt: receipts.consolidationReceipt,
  errors: ['storage_full'],
});

export const tags = operation({
  id: 'tags.list',
  summary: 'List the tags of active memories, most used first',
  tag: 'memories',
  http: { method: 'GET', path: '/tags', statuses: [200] },
  mcp: { resource: 'memory://tags' },
  access: { scope: 'memories:read' },
  execution: { kind: 'read' },
  input: z.strictObject({ limit: f.limit(100), cursor: f.cursor.optional() }),
  output: z.strictObject(f.page(z.strictObject({ tag: z.string(), count: z.int(), types: z.array(f.memoryType) }))),
  errors: [],
});

export const normalizeTags = operation({
  id: 'tags.normalize',
  summary: 'Bring old tags to the rule',
  tag: 'memories',
  http: { method: 'POST', path: '/tags/normalize', statuses: [200] },
  access: { scope: 'memories:write' },
  execution: { kind: 'write' },
  input: z.strictObject({ dry_run: z.boolean().default(true) }),
  output: z.strictObject({
    dry_run: z.boolean(),
    changed: z.array(
      z.strictObject({ id: f.id, title: z.string(), before: z.array(z.string()), after: z.array(z.string()) }),
    ),
    remaining: z.int(),
  }),
  receipt: receipts.normalizationReceipt,
  errors: ['storage_full'],
});

export const stats = operation({
  id: 'stats.get',
  summary: 'Count what is stored',
  tag: 'memories',
  http: { method: 'GET', path: '/stats', statuses: [200] },
  mcp: { resource: 'memory://stats' },
  access: { scope: 'memories:read' },
  execution: { kind: 'read' },
  input: z.strictObject({}),
  output: z.strictObject({
    memories: z.strictObject({
      total: z.int(),
      active: z.int(),
      archived: z.int(),
      short_term: z.int(),
      long_term: z.int(),
    }),
    tags: z.int(),
    storage: z.strictObject({ bytes: z.int(), limit_bytes: z.int() }),
    embedding: z.strictObject({
      state: z.enum(['disabled', 'loading', 'ready', 'degraded']),
      model: z.string().nullable(),
      pending: z.int().meta({ description: 'Memories that are found by words only, until their vectors are made.' }),
    }),
    last_consolidation_at: f.instant.nullable(),
  }),
  errors: [],
});
