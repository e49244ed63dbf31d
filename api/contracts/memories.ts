import { z } from 'zod';
import { EDITED, MEMORY, MEMORY_ID, PREVIOUS } from './examples.ts';
import * as f from './fields.ts';
import { created, editable, type Memory, memory, newMemory } from './memory.ts';
import { operation } from './operation.ts';
import * as receipts from './receipts.ts';

const etag = (memory: Memory) => ({ ETag: `"${memory.version}"` });
const version = z.int().min(1).max(2_147_483_647);
/** Any number is allowed: a version that is not the current one is a lost race (412), not invalid input. */
const ifVersion = z.int().min(0).meta({ description: 'Version that it must be at.' });

export const create = operation({
  id: 'memories.create',
  summary: 'Store a memory',
  description:
    'Stored durably, and found by the next call. An exact duplicate of an active memory returns that memory with 200 and `deduplicated: true`, and adds its tags and metadata to it.',
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
  example: {
    input: {
      title: 'Deploys',
      content: MEMORY.content,
      tags: ['ops', 'deploy'],
      metadata: { importance: 0.8 },
      project: 'shop',
    },
    output: { ...MEMORY, deduplicated: false, similar: [], changed: [] },
  },
  errors: ['storage_full'],
});

export const list = operation({
  id: 'memories.list',
  summary: 'List memories',
  description:
    'A page holds at most `limit` memories and about 2 MB, and `next_cursor` continues it; so a page of fewer memories need not be the last.',
  tag: 'memories',
  http: { method: 'GET', path: '/memories', statuses: [200] },
  mcp: { tool: 'list_memories' },
  access: { scope: 'memories:read' },
  execution: { kind: 'read' },
  input: z.strictObject({
    ...f.filterFields,
    ...f.outdatedFields,
    sort: z.enum(['created_at', 'updated_at', 'occurred_at', 'title']).default('created_at'),
    order: z.enum(['asc', 'desc']).default('desc'),
    limit: f.limit(50),
    cursor: f.cursor.optional(),
    include: z.enum(['content']).optional().meta({
      description: 'Return whole contents. Default: the first 4,000 characters of each.',
    }),
    max_tokens: f.maxTokens(100_000).optional().meta({
      description: 'Token budget of the result. At least one memory is returned.',
    }),
  }),
  output: z.strictObject({
    ...f.page(
      memory.extend({
        truncated: z.boolean().optional().meta({ description: 'True where `content` is only its beginning.' }),
      }),
    ),
    truncated: z.boolean().meta({ description: 'True when a memory was cut, or `max_tokens` left some out.' }),
    reason: z.enum(['nothing_stored', 'nothing_matched']).optional(),
  }),
  example: {
    input: { tags: ['deploy'], limit: 1 },
    output: { results: [MEMORY], total: 12, next_cursor: 'eyJhIjoiMjAyNi0xMS0zMCJ9', truncated: false },
  },
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
    offset: z.int().min(0).max(2_147_483_647).default(0).meta({ description: 'Character of the content to start at.' }),
    max_tokens: f.maxTokens(100_000).optional().meta({ description: 'Token budget of the result.' }),
  }),
  output: memory.extend({
    truncated: z.boolean(),
    next_offset: z
      .int()
      .nullable()
      .meta({ description: '`offset` of the rest when the content was cut, otherwise null.' }),
    truncated_fields: z.array(z.string()).optional().meta({ description: 'Other fields that `max_tokens` truncated.' }),
  }),
  example: {
    input: { id: MEMORY_ID },
    output: { ...MEMORY, truncated: false, next_offset: null },
  },
  errors: ['not_found'],
});

export const replace = operation({
  id: 'memories.replace',
  summary: 'Replace a memory',
  description:
    'Omitted fields get their default, except `type`, which is kept. The previous state is kept as a version.',
  tag: 'memories',
  http: { method: 'PUT', path: '/memories/{id}', statuses: [200], ifMatch: true, headers: etag },
  access: { scope: 'memories:write' },
  execution: { kind: 'write' },
  input: newMemory.extend({ type: editable.type.optional(), id: f.id, if_version: ifVersion.optional() }),
  output: memory,
  receipt: receipts.memoryReceipt,
  example: {
    input: {
      id: MEMORY_ID,
      title: 'Deploys',
      content: EDITED.content,
      tags: EDITED.tags,
      metadata: EDITED.metadata,
      project: 'shop',
    },
    output: EDITED,
  },
  errors: ['not_found', 'duplicate_memory', 'storage_full'],
});

export const update = operation({
  id: 'memories.update',
  summary: 'Change a memory',
  description:
    'Changes only the given fields. `tags` replaces all tags, and `add_tags` and `remove_tags` are then ignored; otherwise tags are added first, then removed.',
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
    remove_tags: f.tags.optional().meta({ description: 'Tags to remove.' }),
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
  example: {
    input: { id: MEMORY_ID, content: EDITED.content },
    output: EDITED,
  },
  errors: ['not_found', 'duplicate_memory', 'storage_full'],
});

export const remove = operation({
  id: 'memories.delete',
  summary: 'Archive a memory, or delete it permanently',
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
  example: {
    input: { id: MEMORY_ID },
    output: { id: MEMORY_ID, status: 'archived', version: 1 },
  },
  errors: ['not_found'],
});

export const restore = operation({
  id: 'memories.restore',
  summary: 'Restore an archived memory, or a previous version',
  tag: 'memories',
  http: { method: 'POST', path: '/memories/{id}/restore', statuses: [200], headers: etag },
  mcp: { tool: 'restore_memory' },
  access: { scope: 'memories:write' },
  execution: { kind: 'write' },
  input: z.strictObject({
    id: f.id,
    type: f.memoryType.optional().meta({ description: 'Default: its current type.' }),
    version: version.optional().meta({ description: 'Version to restore the fields of.' }),
  }),
  output: memory,
  receipt: receipts.memoryReceipt,
  example: {
    input: { id: MEMORY_ID },
    output: MEMORY,
  },
  errors: ['not_found', 'duplicate_memory', 'storage_full'],
});

export const versions = operation({
  id: 'memories.versions',
  summary: 'List the previous versions of a memory',
  description: 'A page holds at most `limit` versions and about 2 MB; `next_cursor` continues it.',
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
          written_at: f.instant.meta({ description: 'Time at which this state was written.' }),
        }),
    ),
  ),
  example: {
    input: { id: MEMORY_ID },
    output: { results: [PREVIOUS], total: 1, next_cursor: null },
  },
  errors: ['not_found'],
});
