import type { MemoryFilter } from '../../db/queries/memories/filters.ts';
import type { Caller, RequestContext } from '../context.ts';
import { type MetadataCondition, pathKeys } from '../contracts/metadata-filter.ts';
import { requireProject } from './bound-projects.ts';
import { normalizeTags } from './tags.ts';

/** The filter fields of an input, as the contracts declare them. */
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
  occurred_after?: MemoryFilter['occurredAfter'] | undefined;
  occurred_before?: MemoryFilter['occurredBefore'] | undefined;
  metadata?: readonly MetadataCondition[] | undefined;
  include_superseded?: boolean | undefined;
  include_expired?: boolean | undefined;
}

/**
 * Converts filter fields of a reading operation. The default project of a connection covers the memories without a project too: what
 * holds everywhere is needed in each project. A project that the call names is that project only.
 * @throws Problem `project_not_allowed`
 */
export function toReadFilter(context: Pick<RequestContext, 'now'>, caller: Caller, input: FilterInput): MemoryFilter {
  const filter = toFilter(context, caller, input);
  return input.project === undefined && caller.project !== undefined ? { ...filter, orNoProject: true } : filter;
}

/**
 * Converts filter fields to the filter of the queries: normalizes tags, and applies the default project of the connection.
 * @throws Problem `project_not_allowed` for a project outside those of the caller's key
 */
export function toFilter(context: Pick<RequestContext, 'now'>, caller: Caller, input: FilterInput): MemoryFilter {
  const project = input.project === undefined ? caller.project : input.project;
  if (project !== undefined && project !== '*') requireProject(caller, project);
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
    metadata: input.metadata?.map(({ path, ...condition }) => ({ ...condition, path: pathKeys(path) })),
    validAt: input.include_expired === false ? context.now() : undefined,
    superseded: input.include_superseded === false ? false : undefined,
  };
  // `exact` without tags selects untagged memories.
  if (filter.tagsMatch === 'exact') filter.tags ??= [];
  return filter as MemoryFilter;
}
