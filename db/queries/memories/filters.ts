import { isPassage } from './digests.ts';
import { addMetadata, type MetadataFilter } from './metadata-conditions.ts';
import type { MemoryStatus, MemoryType } from './row.ts';
import { includesTermsSql, lexemeHashesSql } from './terms.ts';
import { Where } from './where.ts';

/** A text that a memory must not contain. */
interface ExcludedText {
  terms: readonly string[];
  /** Regular expression of the text, for `~*`. */
  pattern: string;
  /** True when the terms count only in the order of the text. */
  isPhrase: boolean;
}

/** A day, compared with the local day of each memory. */
interface LocalDay {
  /** ISO 8601. */
  day: string;
}

/** Conditions that narrow a list, search or bulk change. Tags are normalized. */
export interface MemoryFilter {
  ids?: string[];
  type?: MemoryType;
  status?: MemoryStatus;
  tags?: string[];
  tagsMatch?: 'all' | 'any' | 'exact';
  /** Null selects the memories of no project. */
  project?: string | null;
  /** Selects the memories of no project beside those of `project`. */
  orNoProject?: boolean;
  sessionId?: string | null;
  createdAfter?: Date;
  createdBefore?: Date;
  /** Inclusive. */
  occurredAfter?: Date | LocalDay;
  /** A time is exclusive, a day inclusive. */
  occurredBefore?: Date | LocalDay;
  updatedBefore?: Date;
  metadata?: readonly MetadataFilter[];
  /** Includes the passages of active digests among active memories, and as long-term memories if `long_term`. */
  passages?: 'own_type' | 'long_term';
  /** Leaves out memories that have expired by then. */
  validAt?: Date;
  /** Leaves out memories that contain any of these. */
  exclude?: readonly ExcludedText[];
  /** False leaves out memories that an active memory supersedes; true selects only those. */
  superseded?: boolean;
}

/**
 * Builds the conditions of a filter. `tags` are matched by `tagsMatch`: `all` (default), `any`, or `exact` (no other tag, and untagged
 * memories for an empty list).
 */
export function whereMemories(userId: string, filter: MemoryFilter): Where {
  const where = new Where(userId);
  const equal = (column: string, value: unknown) => {
    if (value !== undefined) where.and(value === null ? `${column} is null` : `${column} = ${where.value(value)}`);
  };
  const range = (column: string, operator: '>=' | '<', value: Date | undefined) => {
    if (value !== undefined) where.and(`${column} ${operator} ${where.value(value)}`);
  };
  if (filter.ids) where.and(`id = any (${where.value(filter.ids)})`);
  const passages = filter.passages && filter.status !== 'archived' ? isPassage('$1') : undefined;
  if (passages && filter.passages === 'long_term' && filter.type === 'long_term') {
    where.and(`(type = ${where.value(filter.type)} or ${passages})`);
  } else equal('type', filter.type);
  if (passages && filter.status) where.and(`(status = ${where.value(filter.status)} or ${passages})`);
  else equal('status', filter.status);
  if (filter.orNoProject && typeof filter.project === 'string') {
    where.and(`(project = ${where.value(filter.project)} or project is null)`);
  } else equal('project', filter.project);
  equal('session_id', filter.sessionId);
  range('created_at', '>=', filter.createdAfter);
  range('created_at', '<', filter.createdBefore);
  addOccurrence(where, filter);
  range('updated_at', '<', filter.updatedBefore);
  if (filter.validAt) where.and(`(expires_at is null or expires_at > ${where.value(filter.validAt)})`);
  if (filter.superseded !== undefined) where.and(`id ${filter.superseded ? 'in' : 'not in'} (${SUPERSEDED_IDS})`);
  addTags(where, filter);
  for (const condition of filter.metadata ?? []) addMetadata(where, condition);
  for (const text of filter.exclude ?? []) where.and(`not ${containsSql(where, text)}`);
  where.isCommon = !filter.metadata?.length && !filter.exclude?.length;
  return where;
}

/** Reads the index of `supersedes` once per statement. The status is compared in a form that no partial index matches. A consolidated successor still counts. */
const SUPERSEDED_IDS = `select s.supersedes
  from memories s
  where s.user_id = $1 and s.supersedes is not null and (s.status = 'active' or s.consolidated_into is not null) is true`;

function addOccurrence(where: Where, { occurredAfter: after, occurredBefore: before }: MemoryFilter): void {
  const localDay = "(occurred_at at time zone 'UTC' + occurred_offset_minutes * interval '1 minute')::date";
  if (after instanceof Date) where.and(`occurred_at >= ${where.value(after)}`);
  else if (after) where.and(`${localDay} >= ${where.value(after.day)}::date`);
  if (before instanceof Date) where.and(`occurred_at < ${where.value(before)}`);
  else if (before) where.and(`${localDay} <= ${where.value(before.day)}::date`);
}

function addTags(where: Where, { tags, tagsMatch = 'all' }: MemoryFilter): void {
  if (!tags) return;
  if (tags.length === 0 && tagsMatch !== 'exact') return;
  const list = `${where.value(tags)}::text[]`;
  if (tagsMatch === 'any') where.and(`tags && ${list}`);
  else where.and(`tags @> ${list}`);
  if (tagsMatch === 'exact') where.and(`tags <@ ${list}`);
}

/** Matches memories that contain a text: its terms in any inflection, and a phrase or a stop word also as it is written. */
function containsSql(where: Where, { terms, pattern, isPhrase }: ExcludedText): string {
  const hashes = `array(${lexemeHashesSql('$1', where.value(terms))})`;
  const isWritten = `(title || E'\\n' || content) ~* ${where.value(pattern)}`;
  return isPhrase
    ? `(${includesTermsSql('terms', hashes)} and ${isWritten})`
    : `case when cardinality(${hashes}) > 0 then ${includesTermsSql('terms', hashes)} else ${isWritten} end`;
}
