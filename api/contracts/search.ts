import { z } from 'zod';
import { MEMORY, MEMORY_ID } from './examples.ts';
import * as f from './fields.ts';
import { operation } from './operation.ts';

const query = f.text(f.LIMITS.queryLength);

const embeddingPending = z
  .literal(true)
  .optional()
  .meta({ description: 'Some new memories are not found by meaning yet.' });

export const result = z.strictObject({
  id: f.id,
  title: z.string(),
  snippet: z.string().meta({ description: 'The passage around the hit, with its line breaks.' }),
  highlights: z
    .array(z.strictObject({ start: z.int(), end: z.int() }))
    .meta({ description: 'Matched words of `snippet`: offsets in UTF-16 code units, `end` exclusive.' }),
  score: z.number(),
  matched: z.array(z.string()).meta({ description: 'Words of the query that occur in this memory.' }),
  type: f.memoryType,
  status: f.memoryStatus,
  tags: z.array(z.string()),
  project: z.string().nullable(),
  session_id: z.string().nullable(),
  occurred_at: f.zonedInstant.nullable(),
  expires_at: f.instant.nullable(),
  created_at: f.instant,
  updated_at: f.instant,
  superseded_by: f.id.nullable(),
  consolidated_into: f.id.optional().meta({ description: 'The digest that contains this memory.' }),
  explanation: z
    .record(z.string(), z.number())
    .optional()
    .meta({ description: 'With `explain`: the value of each part of the ranking.' }),
  reasons: z
    .array(z.string())
    .optional()
    .meta({ description: 'With `explain`: why it was found, in words, with the share of each part in the score.' }),
});
export type SearchResult = z.output<typeof result>;

export const search = operation({
  id: 'search.query',
  summary: 'Find memories',
  description:
    'By words (any may match; rare ones count more) and by meaning. The query is natural language without operators; a `"quoted phrase"` ranks memories that contain it higher. Filters and `exclude` apply before ranking.',
  tag: 'search',
  http: { method: 'POST', path: '/search', statuses: [200] },
  mcp: { tool: 'search_memories' },
  access: { scope: 'memories:read' },
  execution: { kind: 'read' },
  input: z.strictObject({
    query,
    exclude: z.array(f.text(200)).max(20).optional().meta({ description: 'Words or phrases that no result contains.' }),
    limit: f.limit(10),
    cursor: f.cursor.optional(),
    ...f.filterFields,
    ...f.outdatedFields,
    timezone: f.timezone.optional(),
    boosts: z.boolean().default(true).meta({
      description:
        'Adjust scores by recency and `metadata.importance` (0 to 1), by at most 5 %, and rank the newer of two memories about a subject first.',
    }),
    explain: z.boolean().default(false).meta({ description: 'Return the contribution of each part of the ranking.' }),
    max_tokens: f
      .maxTokens(100_000)
      .optional()
      .meta({ description: 'Token budget of the result. At least one hit is returned.' }),
  }),
  output: z.strictObject({
    ...f.page(result),
    total_relation: z.enum(['eq', 'gte']),
    reachable: z.int().optional().meta({
      description: 'Number of results that pages reach, where it is less than `total`: the best 200 are ranked.',
    }),
    reason: z
      .enum(['nothing_stored', 'nothing_matched'])
      .optional()
      .meta({ description: 'Reason for an empty result.' }),
    truncated: z.boolean(),
    retrievers: z
      .strictObject({ lexical: z.literal('ok'), semantic: z.enum(['ok', 'disabled', 'loading', 'unavailable']) })
      .meta({ description: 'State of each retriever.' }),
    low_confidence: z.literal(true).optional().meta({ description: 'None of the results is a close match.' }),
    embedding_pending: embeddingPending,
  }),
  example: {
    input: { query: 'when do we deploy?', limit: 5 },
    output: {
      results: [
        {
          id: MEMORY_ID,
          title: 'Deploys',
          snippet: MEMORY.content,
          highlights: [{ start: 3, end: 9 }],
          score: 0.87,
          matched: ['deploy'],
          type: 'short_term',
          status: 'active',
          tags: MEMORY.tags,
          project: 'shop',
          session_id: null,
          occurred_at: null,
          expires_at: null,
          created_at: MEMORY.created_at,
          updated_at: MEMORY.updated_at,
          superseded_by: null,
        },
      ],
      total: 1,
      next_cursor: null,
      total_relation: 'eq',
      truncated: false,
      retrievers: { lexical: 'ok', semantic: 'ok' },
    },
  },
  errors: ['query_too_complex'],
});

export const context = operation({
  id: 'search.context',
  summary: 'Get a context package that fits a token budget',
  description:
    'Markdown of active memories: the most relevant to `query`, or the newest. With neither `tier` nor `max_tokens`: tier 1. With `max_tokens` alone: as much as fits, at most 1,000 memories. With both: the caps of the tier within the budget.',
  tag: 'search',
  http: { method: 'POST', path: '/context', statuses: [200] },
  mcp: { tool: 'get_context' },
  access: { scope: 'memories:read' },
  execution: { kind: 'read' },
  cost: { tokens: ({ tokens }) => tokens },
  input: z.strictObject({
    query: query.optional(),
    timezone: f.timezone.optional(),
    tier: z
      .literal([0, 1, 2])
      .optional()
      .meta({ description: 'Caps number and length of memories: 0 is the smallest, 2 the largest.' }),
    max_tokens: f.maxTokens(100_000).optional().meta({ description: 'Token budget of `context`.' }),
    project: f.filterFields.project,
    tags: f.filterFields.tags,
    tags_match: f.filterFields.tags_match,
    session_id: f.filterFields.session_id,
    metadata: f.filterFields.metadata,
    ...f.outdatedFields,
  }),
  output: z.strictObject({
    context: z.string(),
    tokens: z.int().meta({ description: 'Tokens of `context`, at most `max_tokens`.' }),
    tokenizer: z.literal('o200k_base'),
    memory_ids: z.array(f.id),
    truncated: z.boolean().meta({ description: 'True when something relevant was left out or cut.' }),
    repeats: z
      .array(z.strictObject({ id: f.id, repeat_of: f.id }))
      .optional()
      .meta({ description: 'Memories left out because an included one says the same.' }),
    reason: z.enum(['nothing_stored', 'nothing_matched']).optional(),
    embedding_pending: embeddingPending,
  }),
  example: {
    input: { query: 'prepare the release', max_tokens: 1000 },
    output: {
      context: `## Context Package\n\n### Short-Term Memories\n\n- **Deploys** (2026-11-30, tags: ops, deploy)\n  ${MEMORY.content}`,
      tokens: 27,
      tokenizer: 'o200k_base',
      memory_ids: [MEMORY_ID],
      truncated: false,
    },
  },
  errors: ['query_too_complex'],
});
