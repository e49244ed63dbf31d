import { z } from 'zod';
import { MEMORY, OLDER_ID } from './examples.ts';
import * as f from './fields.ts';
import { operation } from './operation.ts';

const summary = {
  id: f.id,
  title: z.string(),
  excerpt: z.string().meta({ description: 'The first 1,000 characters of its content.' }),
  type: f.memoryType,
  tags: z.array(z.string()),
  project: z.string().nullable(),
  version: z.int(),
  created_at: f.instant,
  updated_at: f.instant,
};

const { id, title, content: excerpt, type, tags, project, version, created_at, updated_at } = MEMORY;
const example = { id, title, excerpt, type, tags, project, version, created_at, updated_at };

export const nearDuplicates = operation({
  id: 'memories.near_duplicates',
  summary: 'List memories that say nearly the same',
  description:
    'Compares active memories, newest first, with older ones of their project by the words that they share. A call compares `limit` memories, so a page may be empty although `next_cursor` is not null. Superseded memories are left out.',
  tag: 'memories',
  http: { method: 'GET', path: '/near-duplicates', statuses: [200] },
  access: { scope: 'memories:read' },
  execution: { kind: 'read' },
  input: z.strictObject({
    project: f.filterFields.project,
    min_score: z.number().min(0.5).max(1).default(0.6).meta({ description: 'Lowest share of common words, 0.5 to 1.' }),
    limit: f.limit(20, 50).meta({ description: 'Memories to compare, 1 to 50; others are clamped.' }),
    cursor: f.cursor.optional(),
  }),
  output: z.strictObject({
    results: z.array(
      z.strictObject({
        ...summary,
        similar: z
          .array(z.strictObject({ ...summary, score: z.number() }))
          .meta({ description: 'Up to ten older memories, most similar first.' }),
      }),
    ),
    compared: z.int().meta({ description: 'Number of memories that this call compared with older ones.' }),
    next_cursor: z.string().nullable(),
  }),
  example: {
    input: { limit: 20 },
    output: {
      results: [{ ...example, similar: [{ ...example, id: OLDER_ID, score: 0.82 }] }],
      compared: 20,
      next_cursor: 'WyJBMWIyQzNkNEU1IiwiMDE5YWIwYzAtMDAwMC03MDAwLTgwMDAtMDAwMDAwMDAwMDAxIl0',
    },
  },
  errors: [],
});
