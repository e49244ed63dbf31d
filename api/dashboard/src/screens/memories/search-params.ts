import type { MetadataCondition } from '../../../../contracts/metadata-filter.ts';
import type { InputOf } from '../../api/client.ts';

/** The project that stands for "of no project" in the URL, as in the API's paths. */
export const NO_PROJECT = 'none';

const SORTS = ['created_at', 'updated_at', 'occurred_at', 'title'] as const;
const STATUSES = ['active', 'archived', 'all'] as const;
const TYPES = ['short_term', 'long_term'] as const;

/** The state of the list of memories that is in its URL. */
export interface BrowseSearch {
  /** Query of a search; without it, memories are listed. */
  q?: string;
  view?: 'timeline';
  tags?: string[];
  project?: string;
  type?: (typeof TYPES)[number];
  status?: (typeof STATUSES)[number];
  /** ISO days of the creation, both inclusive. */
  from?: string;
  to?: string;
  meta?: MetadataCondition[];
  sort?: (typeof SORTS)[number];
  order?: 'asc' | 'desc';
}

/** Reads the state from a URL that anybody may have written: what is not valid is left out. */
export function parseBrowseSearch(raw: Record<string, unknown>): BrowseSearch {
  const search: BrowseSearch = {};
  const text = (value: unknown) => (typeof value === 'string' || typeof value === 'number' ? String(value) : '');
  const oneOf = <Value extends string>(values: readonly Value[], value: unknown): Value | undefined =>
    values.find((one) => one === value);
  const q = text(raw.q);
  if (q.trim() !== '') search.q = q;
  if (raw.view === 'timeline') search.view = 'timeline';
  const tags = (Array.isArray(raw.tags) ? raw.tags : [raw.tags]).map(text).filter((tag) => tag !== '');
  if (tags.length > 0) search.tags = tags;
  const project = text(raw.project);
  if (project !== '') search.project = project;
  const type = oneOf(TYPES, raw.type);
  if (type) search.type = type;
  const status = oneOf(STATUSES, raw.status);
  if (status && status !== 'active') search.status = status;
  if (isDay(raw.from)) search.from = raw.from;
  if (isDay(raw.to)) search.to = raw.to;
  const meta = Array.isArray(raw.meta) ? raw.meta.filter(isCondition) : [];
  if (meta.length > 0) search.meta = meta;
  const sort = oneOf(SORTS, raw.sort);
  if (sort && sort !== 'created_at') search.sort = sort;
  if (raw.order === 'asc') search.order = 'asc';
  return search;
}

function isDay(value: unknown): value is string {
  return typeof value === 'string' && /^\d{4}-\d\d-\d\d$/.test(value);
}

function isCondition(value: unknown): value is MetadataCondition {
  return typeof value === 'object' && value !== null && 'path' in value && typeof value.path === 'string';
}

/** Returns the filter fields of an operation's input. */
export function filterOf({ tags, project, type, status, from, to, meta }: BrowseSearch) {
  return {
    ...(tags && { tags }),
    ...(project && { project: project === NO_PROJECT ? null : project }),
    ...(type && { type }),
    ...(status && { status }),
    ...(from && { created_after: from }),
    ...(to && { created_before: to }),
    ...(meta && { metadata: meta }),
  } satisfies Partial<InputOf<'memories.list'>>;
}

/** Returns whether the URL narrows the list. */
export function isFiltered(search: BrowseSearch): boolean {
  return search.q !== undefined || Object.keys(filterOf(search)).length > 0;
}

/** Returns the input that lists the memories of this state. */
export function listInput(search: BrowseSearch): InputOf<'memories.list'> {
  const sort = search.view === 'timeline' ? 'occurred_at' : (search.sort ?? 'created_at');
  const { order = 'desc' } = search;
  // Outdated memories are shown, marked: this is where they are tidied up.
  return { ...filterOf(search), sort, order, limit: 200, include_superseded: true, include_expired: true };
}

/** Describes a condition on metadata, such as `kind = "bug"`. */
export function conditionText({ path, ...comparisons }: MetadataCondition): string {
  const signs: Record<string, string> = { eq: '=', in: 'in', gt: '>', gte: '≥', lt: '<', lte: '≤' };
  const parts = Object.entries(comparisons).map(([name, value]) => {
    if (name === 'exists') return value ? 'is set' : 'is not set';
    return `${signs[name] ?? name} ${typeof value === 'string' ? value : JSON.stringify(value)}`;
  });
  return `${path} ${parts.join(' and ')}`;
}
