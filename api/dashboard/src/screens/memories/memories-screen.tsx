import { getRouteApi } from '@tanstack/react-router';
import { ListFilter } from 'lucide-react';
import { useCallback, useEffect, useMemo, useRef, useState } from 'react';
import type { ApiError } from '../../api/client.ts';
import { useOperationPages } from '../../api/hooks.ts';
import { Button } from '../../components/button.tsx';
import { ErrorPanel, Loading } from '../../components/feedback.tsx';
import { Select } from '../../components/fields.tsx';
import { Screen } from '../../components/screen.tsx';
import { BulkBar } from './bulk-bar.tsx';
import { memoriesText } from './count-text.ts';
import { FilterChips } from './filter-chips.tsx';
import { FilterDialog } from './filter-dialog.tsx';
import './memories.css';
import { MemoriesNav } from './memories-nav.tsx';
import { entriesOf, MemoryList } from './memory-list.tsx';
import { NoMemories } from './no-memories.tsx';
import { SearchBox } from './search-box.tsx';
import { SearchHits } from './search-hits.tsx';
import { type BrowseSearch, filterOf, isFiltered, listInput } from './search-params.ts';
import { SearchRemarks } from './search-remarks.tsx';
import { useListKeys } from './use-list-keys.ts';
import { timeOf, VIEWS, viewOf, withView } from './view-choice.ts';
import type { VirtualRowsHandle } from './virtual-rows.tsx';

const route = getRouteApi('/memories');

/** Memories that one bulk change may name. */
const SELECTED_MAX = 1_000;

/** Renders all memories: the list or the timeline, the search, filters, and the selection with its bulk acts. */
export function MemoriesScreen() {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const setSearch = useCallback(
    (next: BrowseSearch) => navigate({ search: next, replace: true, resetScroll: false }),
    [navigate],
  );
  const [areFiltersOpen, setFiltersOpen] = useState(false);
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set());
  const [isAllSelected, setAllSelected] = useState(false);
  const searchInput = useRef<HTMLInputElement>(null);
  const list = useRef<VirtualRowsHandle>(null);
  const isSearch = search.q !== undefined;
  const isTimeline = search.view === 'timeline';

  const listed = useOperationPages('memories.list', listInput(search), { enabled: !isSearch });
  const found = useOperationPages(
    'search.query',
    {
      query: search.q ?? '-',
      ...filterOf(search),
      explain: true,
      limit: 50,
      include_superseded: true,
      include_expired: true,
      timezone: Intl.DateTimeFormat().resolvedOptions().timeZone,
    },
    { enabled: isSearch },
  );
  const memories = useMemo(() => listed.data?.pages.flatMap(({ results }) => results) ?? [], [listed.data]);
  const hits = useMemo(() => found.data?.pages.flatMap(({ results }) => results) ?? [], [found.data]);
  const entries = useMemo(
    () => entriesOf(memories, isTimeline, listed.hasNextPage),
    [memories, isTimeline, listed.hasNextPage],
  );
  const shown = isSearch ? found : listed;
  const rows: readonly { id: string; project: string | null }[] = isSearch ? hits : memories;
  const page = shown.data?.pages[0];
  const total = page?.total ?? 0;
  const searchKey = JSON.stringify(search);

  // Another list is another selection.
  // biome-ignore lint/correctness/useExhaustiveDependencies: runs when the state of the URL changes
  useEffect(() => clearSelection(), [searchKey]);

  function clearSelection() {
    setSelected(new Set());
    setAllSelected(false);
  }
  const toggle = useCallback((id: string) => {
    setAllSelected(false);
    setSelected((former) => {
      const next = new Set(former);
      if (!next.delete(id) && next.size < SELECTED_MAX) next.add(id);
      return next;
    });
  }, []);
  const open = (id: string, edit = false) =>
    navigate({ to: '/memories/$id', params: { id }, search: edit ? { edit: true } : {} });
  const current = useListKeys({
    ids: rows.map(({ id }) => id),
    searchInput,
    scrollTo: (index) => {
      if (!isSearch)
        list.current?.scrollTo(
          entries.findIndex((entry) => entry.kind === 'memory' && entry.memory.id === rows[index]?.id),
        );
    },
    onOpen: (id) => open(id),
    onEdit: (id) => open(id, true),
    onToggle: toggle,
    onEscape: clearSelection,
  });
  const { hasNextPage, isFetchingNextPage, isFetchNextPageError, fetchNextPage } = listed;
  const readOn = useCallback(() => {
    if (hasNextPage && !isFetchingNextPage && !isFetchNextPageError) void fetchNextPage();
  }, [hasNextPage, isFetchingNextPage, isFetchNextPageError, fetchNextPage]);

  return (
    <Screen title="Memories" lead={page && !isFiltered(search) ? `${memoriesText(total)}.` : undefined}>
      <MemoriesNav />
      <div className="browse-bar">
        <SearchBox
          key={search.q === undefined ? 'empty' : 'query'}
          search={search}
          onChange={setSearch}
          inputRef={searchInput}
        />
        <div className="row">
          <Button onPress={() => setFiltersOpen(true)}>
            <ListFilter size={16} aria-hidden />
            Filter
          </Button>
          {!isSearch && (
            <Select
              label="View and order"
              isLabelHidden
              value={viewOf(search)}
              choices={VIEWS}
              onChange={(value) => setSearch(withView(search, value))}
            />
          )}
        </div>
      </div>
      <FilterChips search={search} onChange={setSearch} />
      <FilterDialog
        search={search}
        onChange={setSearch}
        isOpen={areFiltersOpen}
        onClose={() => setFiltersOpen(false)}
      />
      {isSearch && found.data && <SearchRemarks first={found.data.pages[0]} shown={hits.length} />}
      {renderResult()}
      {(selected.size > 0 || isAllSelected) && (
        <BulkBar
          count={isAllSelected ? total : selected.size}
          total={total}
          filter={isAllSelected ? allFilter(search) : { ids: [...selected], status: 'all' }}
          onSelectAll={isSearch ? undefined : () => setAllSelected(true)}
          onClear={clearSelection}
        />
      )}
    </Screen>
  );

  function renderResult() {
    if (shown.error && !shown.data) {
      return <ErrorPanel error={shown.error as ApiError} onRetry={() => shown.refetch()} />;
    }
    if (!shown.data) return <Loading label="Loading memories" lines={8} />;
    if (rows.length === 0)
      return (
        <NoMemories search={search} isNothingStored={page?.reason === 'nothing_stored'} onClear={() => setSearch({})} />
      );
    return (
      <>
        {isSearch ? (
          <SearchHits hits={hits} selected={selected} current={current} onToggle={toggle} />
        ) : (
          <MemoryList
            key={isTimeline ? 'timeline' : 'list'}
            entries={entries}
            total={total}
            timeOf={timeOf(search)}
            selected={isAllSelected ? new Set(rows.map(({ id }) => id)) : selected}
            current={current}
            onToggle={toggle}
            onEnd={readOn}
            handle={list}
          />
        )}
        {shown.error && <ErrorPanel error={shown.error as ApiError} onRetry={() => shown.fetchNextPage()} />}
        {isSearch && found.hasNextPage && (
          <div className="more">
            <Button onPress={() => found.fetchNextPage()} isPending={found.isFetchingNextPage}>
              More results
            </Button>
          </div>
        )}
        <p className="key-hints detail" aria-hidden>
          <kbd>/</kbd> search <kbd>j</kbd> <kbd>k</kbd> move <kbd>Enter</kbd> open <kbd>e</kbd> edit <kbd>x</kbd> select
        </p>
      </>
    );
  }
}

/** The filter of everything that a list shows. */
function allFilter(search: BrowseSearch) {
  // The API rejects a filter that selects every active memory, so that none is sent by mistake: here it was chosen.
  const filter = filterOf(search);
  return Object.keys(filter).length > 0 ? filter : { created_before: '9999-12-30' };
}
