import { z } from 'zod';
import * as f from './fields.ts';

/** A memory as every transport returns it. */
export const memory = z.strictObject({
  id: f.id,
  type: f.memoryType,
  status: f.memoryStatus,
  title: z.string(),
  content: z.string(),
  tags: z.array(z.string()),
  metadata: z.record(z.string(), z.unknown()),
  project: z.string().nullable(),
  session_id: z.string().nullable(),
  occurred_at: f.zonedInstant.nullable(),
  expires_at: f.instant.nullable(),
  supersedes: f.id.nullable().meta({ description: 'The memory that it replaces.' }),
  superseded_by: f.id.nullable().meta({ description: 'The active memory that replaces it.' }),
  consolidated_into: f.id.nullable().meta({ description: 'The digest into which it was consolidated.' }),
  version: z.int(),
  size_bytes: z.int(),
  created_at: f.instant,
  updated_at: f.instant,
});
export type Memory = z.output<typeof memory>;

export const editable = {
  title: f.text(f.LIMITS.titleLength),
  content: f.text(Number.MAX_SAFE_INTEGER).meta({ minLength: 1, maxLength: undefined }),
  type: f.memoryType,
  tags: f.tags.meta({ description: 'Stored in lower case, with `_` for spaces.' }),
  metadata: f.metadata,
  project: f.project.nullable().meta({ description: 'Its project, such as a repository. Null: none.' }),
  session_id: f.sessionId.nullable().meta({ description: 'Its session.' }),
  occurred_at: f.zonedMoment.nullable().meta({ description: 'Time of the event, with offset.' }),
  expires_at: f.moment.nullable().meta({ description: 'Time from which it is outdated.' }),
  supersedes: f.id.nullable().meta({ description: 'Id of the memory that it replaces. Both are kept.' }),
};

/** Input of a create. */
export const newMemory = z.strictObject({
  title: editable.title.optional().meta({ description: 'Default: the first heading or sentence.' }),
  content: editable.content,
  type: editable.type.default('short_term'),
  tags: editable.tags.default([]),
  metadata: editable.metadata.default({}),
  project: editable.project.optional(),
  session_id: editable.session_id.optional(),
  occurred_at: editable.occurred_at.optional(),
  expires_at: editable.expires_at.optional(),
  supersedes: editable.supersedes.optional(),
});
export type NewMemory = z.output<typeof newMemory>;

/** Result of a create. */
export const created = memory.extend({
  deduplicated: z.boolean().meta({ description: 'True for an exact duplicate: returns the stored memory.' }),
  similar: z.array(z.strictObject({ id: f.id, score: z.number() })).meta({
    description: 'Near-duplicates, by their share of common words.',
  }),
  changed: z.array(z.enum(['tags', 'metadata'])).meta({ description: 'Fields that were merged into it.' }),
});
