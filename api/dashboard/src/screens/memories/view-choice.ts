import type { ListedMemory } from './memory-row.tsx';
import type { BrowseSearch } from './search-params.ts';

/** Orders of the list, and the timeline. */
export const VIEWS = [
  { value: 'newest', label: 'Newest first' },
  { value: 'oldest', label: 'Oldest first' },
  { value: 'updated', label: 'Last edited first' },
  { value: 'title', label: 'By title' },
  { value: 'timeline', label: 'Timeline', detail: 'By day, of the event where one is known' },
] as const;
type View = (typeof VIEWS)[number]['value'];

/** Returns the view of a state. */
export function viewOf({ view, sort, order }: BrowseSearch): View {
  if (view) return 'timeline';
  if (sort === 'updated_at') return 'updated';
  if (sort === 'title') return 'title';
  return order === 'asc' ? 'oldest' : 'newest';
}

/** Returns the state with another view. */
export function withView({ view: _view, sort: _sort, order: _order, ...rest }: BrowseSearch, view: View): BrowseSearch {
  const state: Record<View, BrowseSearch> = {
    newest: {},
    oldest: { order: 'asc' },
    updated: { sort: 'updated_at' },
    title: { sort: 'title', order: 'asc' },
    timeline: { view: 'timeline' },
  };
  return { ...rest, ...state[view] };
}

/** Returns which time of a memory a list shows: the one that it is sorted by. */
export function timeOf({ view, sort }: BrowseSearch): (memory: ListedMemory) => string {
  if (view === 'timeline' || sort === 'occurred_at') return ({ occurred_at, created_at }) => occurred_at ?? created_at;
  return sort === 'updated_at' ? ({ updated_at }) => updated_at : ({ created_at }) => created_at;
}
