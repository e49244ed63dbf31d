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
      pending: z.int().meta({ description: 'Memories without vectors yet, which are found by words only.' }),
    }),
    last_consolidation_at: f.instant.nullable(),
  }),
  errors: [],
});
