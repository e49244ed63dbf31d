import { z } from 'zod';
import { MEMORY_ID, OLDER_ID } from './examples.ts';
import * as f from './fields.ts';
import { operation } from './operation.ts';
import * as receipts from './receipts.ts';

export const consolidate = operation({
  id: 'memories.consolidate',
  summary: 'Turn old short-term memories into long-term knowledge',
  description:
    'Takes active short-term memories not edited for `min_age_days`. Those tagged heuristic, pattern, proven, decision or insight become long-term; the others go into long-term digests of a few kB, by project and subject, and are archived with a link to their digest. A search still finds them, as passages of the digest.',
  tag: 'memories',
  http: { method: 'POST', path: '/consolidate', statuses: [200] },
  mcp: { tool: 'consolidate_memories' },
  access: { scope: 'memories:write' },
  execution: { kind: 'write' },
  cost: { changes: ({ counts }) => counts.promoted + counts.archived },
  input: z.strictObject({
    dry_run: z.boolean().default(true).meta({ description: 'Only report what would be done.' }),
    min_age_days: z.number().min(0).max(36_500).default(7).meta({ description: 'Days without an edit.' }),
    project: f.filterFields.project,
    max_tokens: f.maxTokens(100_000).optional().meta({ description: 'Token budget of the result.' }),
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
  example: {
    input: { dry_run: true, min_age_days: 7 },
    output: {
      dry_run: true,
      promoted: [{ id: MEMORY_ID, title: 'Deploys' }],
      archived: [{ id: OLDER_ID, title: 'Staging was slow on Monday', digest_id: null }],
      digests: [{ id: null, title: 'Consolidated Insights - 2026-11-30' }],
      counts: { promoted: 1, archived: 1, digests: 1 },
      truncated: false,
      remaining: 0,
    },
  },
  errors: ['storage_full'],
});
