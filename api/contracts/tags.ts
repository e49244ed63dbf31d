import { z } from 'zod';
import { OLDER_ID } from './examples.ts';
import * as f from './fields.ts';
import { operation } from './operation.ts';
import * as receipts from './receipts.ts';

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
  example: {
    input: { limit: 2 },
    output: {
      results: [
        { tag: 'ops', count: 41, types: ['short_term', 'long_term'] },
        { tag: 'deploy', count: 12, types: ['short_term'] },
      ],
      total: 19,
      next_cursor: 'eyJ0YWciOiJkZXBsb3kifQ',
    },
  },
  errors: [],
});

export const normalizeTags = operation({
  id: 'tags.normalize',
  summary: 'Normalize the tags of old memories',
  tag: 'memories',
  http: { method: 'POST', path: '/tags/normalize', statuses: [200] },
  access: { scope: 'memories:write' },
  execution: { kind: 'write' },
  cost: { changes: ({ changed }) => changed.length },
  input: z.strictObject({ dry_run: z.boolean().default(true) }),
  output: z.strictObject({
    dry_run: z.boolean(),
    changed: z.array(
      z.strictObject({ id: f.id, title: z.string(), before: z.array(z.string()), after: z.array(z.string()) }),
    ),
    remaining: z.int(),
  }),
  receipt: receipts.normalizationReceipt,
  example: {
    input: { dry_run: true },
    output: {
      dry_run: true,
      changed: [{ id: OLDER_ID, title: 'Rollback', before: ['My Tag'], after: ['my_tag'] }],
      remaining: 0,
    },
  },
  errors: ['storage_full'],
});

export const updateTag = operation({
  id: 'tags.update',
  summary: 'Rename a tag, or merge it into another',
  description:
    'Changes the tag of all memories, archived ones too, at most 1,000 per call, oldest first: repeat the call until `remaining` is 0. Each keeps its former state as a version and the time of its last edit. Costs like a bulk change.',
  tag: 'memories',
  http: { method: 'PATCH', path: '/tags/{tag}', statuses: [200] },
  access: { scope: 'memories:write' },
  execution: { kind: 'write' },
  cost: { changes: ({ changed }) => changed.length },
  input: z.strictObject({
    tag: f.tag,
    new_tag: f.tag.meta({ description: 'The new tag, or another one. Stored in lower case, with `_` for spaces.' }),
    dry_run: z.boolean().default(true),
  }),
  output: z.strictObject({
    dry_run: z.boolean(),
    merges: z.boolean().meta({ description: 'True when other memories have the new tag already.' }),
    ...f.bulkResult,
  }),
  receipt: receipts.bulkReceipt,
  example: {
    input: { tag: 'deploys', new_tag: 'deployment', dry_run: false },
    output: { dry_run: false, merges: true, matched: 1, changed: [OLDER_ID], rejected: [], remaining: 0 },
  },
  errors: ['not_found', 'storage_full'],
});

export const deleteTag = operation({
  id: 'tags.delete',
  summary: 'Remove a tag from all memories',
  description:
    'Removes it from archived memories too, at most 1,000 memories per call: repeat the call until `remaining` is 0. The memories stay, with their former state as a version. Costs like a bulk change.',
  tag: 'memories',
  http: { method: 'DELETE', path: '/tags/{tag}', statuses: [200] },
  access: { scope: 'memories:write' },
  execution: { kind: 'write' },
  cost: { changes: ({ changed }) => changed.length },
  input: z.strictObject({ tag: f.tag, dry_run: z.boolean().default(true) }),
  output: z.strictObject({ dry_run: z.boolean(), ...f.bulkResult }),
  receipt: receipts.bulkReceipt,
  example: {
    input: { tag: 'todo' },
    output: { dry_run: true, matched: 1, changed: [OLDER_ID], rejected: [], remaining: 0 },
  },
  errors: ['not_found', 'storage_full'],
});
