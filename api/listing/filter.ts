import type { MemoryFilter } from '../../db/queries/memories/filters.ts';
import type { Caller } from '../context.ts';
import { normalizeTags } from './tags.ts';

/** A filter as the contracts take it. */
export interface FilterInput {
  ids?: string[] | undefined;
  type?: 'short_term' | 'long_term' | undefined;
  status?: 'active' | 'archived' | 'all' | undefined;
  tags?: string[] | undefined;
  tags_match?: 'all' | 'any' | 'exact' | undefined;
  project?: string | null | undefined;
  session_id?: string | null | undefined;
  created_after?: Date | undefined;
  created_before?: Date | undefined;
  occurred_after?: Date | undefined;
  occurred_before?: Date | undefined;
}

/** The filter that the queries take: tags by the rule, the connection's project where none is named. */
export function toFilter(caller: Caller, input: FilterInput): MemoryFilter {
  const project = input.project === undefined ? caller.project : input.project;
  const filter: { [Field in keyof MemoryFilter]: MemoryFilter[Field] | undefined } = {
    ids: input.ids,
    type: input.type,
    status: input.status === 'all' ? undefined : input.status,
    tags: input.tags && normalizeTags(input.tags),
    tagsMatch: input.tags_match,
    project: project === '*' ? undefined : project,
    sessionId: input.session_id,
    createdAfter: input.created_after,
    createdBefore: input.created_before,
    occurredAfter: input.occurred_after,
    occurredBefore: input.occurred_before,
  };
  // "Exactly no tags" is the untagged, and needs no list.
  if (filter.tagsMatch === 'exact') filter.tags ??= [];
  return filter as MemoryFilter;
}
