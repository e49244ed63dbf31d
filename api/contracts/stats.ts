import { z } from 'zod';
import * as f from './fields.ts';
import { operation } from './operation.ts';

export const stats = operation({
  id: 'stats.get',
  summary: 'Get statistics of the stored memories',
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
      languages: z.array(z.string()).nullable().meta({
        description:
          'Languages whose texts the model compares by meaning, as BCP 47 codes; texts in others are found by their words. Null where the model of an endpoint decides, or without a model.',
      }),
      pending: z
        .int()
        .meta({ description: 'Memories that wait for vectors; until then they are found by words only.' }),
      failed: z
        .int()
        .meta({ description: 'Memories that cannot be embedded: found by words only. An edit tries again.' }),
      failures: z
        .array(z.strictObject({ id: f.id, reason: z.enum(['rejected', 'encoder_stopped', 'not_stored']) }))
        .meta({ description: 'Up to ten of the failed memories, newest first.' }),
      truncated: z.int().meta({
        description: 'Memories with `passages_max` passages; the rest of their text is found by words only.',
      }),
      passages_max: z.int().meta({ description: 'Most passages of a memory that get vectors.' }),
    }),
    last_consolidation_at: f.instant.nullable(),
  }),
  example: {
    input: {},
    output: {
      memories: { total: 152, active: 140, archived: 12, short_term: 98, long_term: 54 },
      tags: 19,
      storage: { bytes: 284_310, limit_bytes: 100_000_000 },
      embedding: {
        state: 'ready',
        model: 'local:all-MiniLM-L6-v2-int8@1',
        languages: ['en'],
        pending: 0,
        failed: 0,
        failures: [],
        truncated: 0,
        passages_max: 512,
      },
      last_consolidation_at: '2026-11-28T02:00:12.301Z',
    },
  },
  errors: [],
});

const stored = { memories: z.int(), bytes: z.int() };

export const storage = operation({
  id: 'stats.storage',
  summary: 'Get the stored bytes by project and by type',
  tag: 'memories',
  http: { method: 'GET', path: '/stats/storage', statuses: [200] },
  access: { scope: 'memories:read' },
  execution: { kind: 'read' },
  input: z.strictObject({}),
  output: z.strictObject({
    bytes: z.int().meta({ description: 'Memories and their kept versions, as the plan limits them.' }),
    limit_bytes: z.int(),
    by_project: z
      .array(z.strictObject({ project: z.string().nullable(), ...stored }))
      .meta({ description: 'The 100 largest; null for memories of no project.' }),
    by_type: z.array(z.strictObject({ type: f.memoryType, ...stored })),
    versions: z.strictObject({ versions: z.int(), bytes: z.int() }).meta({ description: 'Kept former versions.' }),
  }),
  example: {
    input: {},
    output: {
      bytes: 284_310,
      limit_bytes: 100_000_000,
      by_project: [
        { project: 'shop', memories: 210, bytes: 201_660 },
        { project: null, memories: 31, bytes: 40_200 },
      ],
      by_type: [
        { type: 'long_term', memories: 41, bytes: 60_120 },
        { type: 'short_term', memories: 200, bytes: 181_740 },
      ],
      versions: { versions: 38, bytes: 42_450 },
    },
  },
  errors: [],
});
