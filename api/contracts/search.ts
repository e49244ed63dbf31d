import { z } from 'zod';
import * as f from './fields.ts';
import { operation } from './operation.ts';

const query = f.text(f.LIMITS.queryLength);

export const result = z.strictObject({
  id: f.id,
  title: z.string(),
  snippet: z.string().meta({ description: 'The passage around the hit, the matched words between `**`.' }),
  score: z.number(),
  matched: z.array(z.string()).meta({ description: 'Words of the query that this memory holds.' }),
  type: f.memoryType,
  status: f.memoryStatus,
  tags: z.array(z.string()),
  project: z.string().nullable(),
  session_id: z.string().nullable(),
  occurred_at: f.instant.nullable(),
  created_at: f.instant,
  updated_at: f.instant,
  superseded_by: f.id.nullable(),
});
export type SearchResult = z.output<typeof result>;

export const search = operation({
  id: 'search.query',
  tool: 'search_memories',
  method: 'POST',
  path: '/search',
  summary: 'Find memories',
  description: 'Any word may match; the more and the rarer, the better. Filters hold before ranking.',
  tag: 'search',
  scope: 'memories:read',
  kind: 'read',
  memory: true,
  input: z.strictObject({
    query,
    limit: f.limit(10),
    cursor: f.cursor.optional(),
    ...f.filterFields,
    max_tokens: f.maxTokens(100_000).optional().meta({ description: 'Tokens the results may take.' }),
  }),
  output: z.strictObject({
    ...f.page(result),
    total_relation: z.enum(['eq', 'gte']),
    reason: z.enum(['nothing_stored', 'nothing_matched']).optional().meta({ description: 'Why there are no results.' }),
    truncated: z.boolean(),
  }),
  errors: [],
  statuses: [200],
});

export const context = operation({
  id: 'search.context',
  tool: 'get_context',
  method: 'POST',
  path: '/context',
  summary: 'Get a context package that fits a token budget',
  description:
    'Markdown of active memories: the most relevant to `query`, or the newest. Neither `tier` nor `max_tokens`: tier 1. `max_tokens` alone: as much as fits. Both: the caps of the tier within the budget.',
  tag: 'search',
  scope: 'memories:read',
  kind: 'read',
  memory: true,
  input: z.strictObject({
    query: query.optional(),
    tier: z.literal([0, 1, 2]).optional(),
    max_tokens: f.maxTokens(100_000).optional(),
    project: f.filterFields.project,
    tags: f.filterFields.tags,
    tags_match: f.filterFields.tags_match,
    session_id: f.filterFields.session_id,
  }),
  output: z.strictObject({
    context: z.string(),
    tokens: z.int().meta({ description: 'Of `context`; never more than `max_tokens`.' }),
    tokenizer: z.literal('o200k_base'),
    memory_ids: z.array(f.id),
    truncated: z.boolean().meta({ description: 'True when memories were cut or left out.' }),
    reason: z.enum(['nothing_stored', 'nothing_matched']).optional(),
  }),
  errors: [],
  statuses: [200],
});
