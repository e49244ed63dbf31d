import { z } from 'zod';
import { MEMORY, MEMORY_ID, OLDER_ID } from './examples.ts';
import * as f from './fields.ts';
import { operation } from './operation.ts';
import * as receipts from './receipts.ts';

export const listProjects = operation({
  id: 'projects.list',
  summary: 'List the projects, largest first',
  description: 'Projects of active and archived memories. The entry without a name counts the memories of no project.',
  tag: 'memories',
  http: { method: 'GET', path: '/projects', statuses: [200] },
  access: { scope: 'memories:read' },
  execution: { kind: 'read' },
  input: z.strictObject({ limit: f.limit(100), cursor: f.cursor.optional() }),
  output: z.strictObject(
    f.page(
      z.strictObject({
        name: z.string().nullable().meta({ description: 'Null: no project.' }),
        active: z.int().meta({ description: 'Number of active memories.' }),
        archived: z.int().meta({ description: 'Number of archived memories.' }),
        bytes: z.int().meta({ description: 'Size of its memories, without their former versions.' }),
        updated_at: f.instant.meta({ description: 'Time of the newest edit.' }),
      }),
    ),
  ),
  example: {
    input: { limit: 20 },
    output: {
      results: [
        { name: MEMORY.project, active: 12, archived: 3, bytes: 18_204, updated_at: MEMORY.updated_at },
        { name: null, active: 4, archived: 0, bytes: 2_310, updated_at: MEMORY.updated_at },
      ],
      total: 2,
      next_cursor: null,
    },
  },
  errors: [],
});

export const updateProject = operation({
  id: 'projects.update',
  summary: 'Rename a project, or merge it into another',
  description:
    'Moves all memories of the project, archived ones too, at most 1,000 per call, oldest first: repeat the call until `remaining` is 0. Each keeps its former state as a version and the time of its last edit. A memory of which the other project has an active exact duplicate is archived there, with a link to that one. API keys that are bound to the project follow a rename; a merge is rejected while one would gain memories by it. Costs like a bulk change.',
  tag: 'memories',
  http: { method: 'PATCH', path: '/projects/{name}', statuses: [200] },
  access: { scope: 'memories:write', wholeAccount: true },
  execution: { kind: 'write' },
  cost: { changes: ({ changed }) => changed.length },
  input: z.strictObject({
    name: f.projectName,
    new_name: f.project.nullable().meta({ description: 'The new name, or that of another project. Null: none.' }),
    dry_run: z.boolean().default(true),
  }),
  output: z.strictObject({
    dry_run: z.boolean(),
    merges: z.boolean().meta({ description: 'True when the project of the new name has other memories already.' }),
    ...f.bulkResult,
    duplicates: f.duplicates,
    bound_keys: z.array(f.id).meta({
      description:
        'API keys that are bound to the project. They follow a rename: until it is complete, they have both projects.',
    }),
  }),
  receipt: receipts.bulkReceipt,
  example: {
    input: { name: 'old-name', new_name: 'shop', dry_run: false },
    output: {
      dry_run: false,
      merges: true,
      matched: 2,
      changed: [OLDER_ID, MEMORY_ID],
      rejected: [],
      remaining: 0,
      duplicates: [],
      bound_keys: [],
    },
  },
  errors: ['not_found', 'storage_full'],
});

export const deleteProject = operation({
  id: 'projects.delete',
  summary: 'Archive or permanently delete the memories of a project',
  description:
    'Archives its active memories, or deletes all of them for good, at most 1,000 per call: repeat the call until `remaining` is 0. Costs like a bulk change.',
  tag: 'memories',
  http: { method: 'DELETE', path: '/projects/{name}', statuses: [200] },
  access: { scope: 'memories:write' },
  execution: { kind: 'write' },
  cost: { changes: ({ changed }) => changed.length },
  input: z.strictObject({
    name: f.projectName,
    permanent: z
      .boolean()
      .default(false)
      .meta({ description: 'Deletes archived memories and versions too, for good.' }),
    dry_run: z.boolean().default(true),
  }),
  output: z.strictObject({ dry_run: z.boolean(), ...f.bulkResult }),
  receipt: receipts.bulkReceipt,
  example: {
    input: { name: 'old-name' },
    output: { dry_run: true, matched: 2, changed: [OLDER_ID, MEMORY_ID], rejected: [], remaining: 0 },
  },
  errors: ['not_found'],
});
