import { z } from 'zod';
import { MEMORY, MEMORY_ID, OLDER_ID } from './examples.ts';
import * as f from './fields.ts';
import { newMemory } from './memory.ts';
import { operation } from './operation.ts';
import * as receipts from './receipts.ts';

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
  example: {
    input: { memories: [{ content: MEMORY.content, tags: ['ops'] }, { content: ' ' }] },
    output: {
      results: [
        { index: 0, status: 'created', id: MEMORY_ID },
        {
          index: 1,
          status: 'rejected',
          id: null,
          error: {
            code: 'unprocessable',
            detail: 'content: must not be empty or blank',
            errors: [{ path: 'content', message: 'must not be empty or blank' }],
          },
        },
      ],
    },
  },
  errors: ['storage_full'],
});

function itemCount(input: unknown): number {
  const items = input && typeof input === 'object' && 'memories' in input ? input.memories : [];
  return Array.isArray(items) ? Math.min(items.length, f.LIMITS.batch) : 0;
}

/** Returns whether a filter selects less than every active memory, so that a forgotten tag cannot delete everything. */
function narrows({ status, tags, tags_match, project, metadata, ...others }: z.output<typeof bulkFilter>): boolean {
  if (status !== 'active' || tags_match === 'exact' || tags?.some((tag) => tag.trim() !== '')) return true;
  if (project !== undefined && project !== '*') return true;
  if (metadata && metadata.length > 0) return true;
  return Object.values(others).some((value) => value !== undefined);
}

const bulkFilter = z.strictObject({ ...f.filterFields, ids: z.array(f.id).min(1).max(f.LIMITS.bulk).optional() });

export const bulk = operation({
  id: 'memories.bulk',
  summary: 'Archive, restore, delete, retag or move many memories',
  description:
    'Changes at most 1,000 memories per call (fewer on plans with few calls a minute), oldest first. Repeat the call until `remaining` is 0. A dry run returns the result of a real one and changes nothing. Costs one quota unit for every started ten memories that are changed or, in a dry run, would be. `move` changes the project and keeps the time of the last edit; a memory of which the project has an active exact duplicate is archived there.',
  tag: 'memories',
  http: { method: 'POST', path: '/memories/bulk', statuses: [200] },
  access: { scope: 'memories:write' },
  execution: { kind: 'write' },
  cost: { changes: ({ changed }) => changed.length },
  input: z.strictObject({
    filter: bulkFilter.refine(
      narrows,
      'must have at least one condition; to select everything, send `"status": "all"`',
    ),
    action: z.enum(['archive', 'restore', 'delete', 'add_tags', 'remove_tags', 'move']),
    tags: f.tags.optional().meta({ description: 'Tags to add or remove.' }),
    project: f.project.nullable().optional().meta({ description: 'Project to move to. Null: none.' }),
    dry_run: z.boolean().default(true),
  }),
  output: z.strictObject({
    dry_run: z.boolean(),
    action: z.string(),
    ...f.bulkResult,
    duplicates: f.duplicates.optional(),
    moved_from: f.movedFrom.optional(),
  }),
  receipt: receipts.bulkReceipt,
  example: {
    input: { filter: { tags: ['deploy'], created_before: '2026-11-01' }, action: 'archive', dry_run: true },
    output: { dry_run: true, action: 'archive', matched: 1, changed: [OLDER_ID], rejected: [], remaining: 0 },
  },
  errors: ['storage_full'],
});
