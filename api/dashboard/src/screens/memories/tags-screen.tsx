import { Link } from '@tanstack/react-router';
import { MoreHorizontal } from 'lucide-react';
import { useCallback, useEffect, useMemo, useState } from 'react';
import type { OutputOf } from '../../api/client.ts';
import { useOperationPages } from '../../api/hooks.ts';
import { EmptyState, ErrorPanel, Loading } from '../../components/feedback.tsx';
import { SearchField, TextField } from '../../components/fields.tsx';
import { formatNumber } from '../../components/format.tsx';
import { Menu } from '../../components/menu.tsx';
import { Screen } from '../../components/screen.tsx';
import { runOnIds, write } from './acts.ts';
import { ChangeDialog } from './change-dialog.tsx';
import './memories.css';
import { MemoriesNav } from './memories-nav.tsx';
import { useSettled } from './use-settled.ts';
import { VirtualRows } from './virtual-rows.tsx';

const ROW_HEIGHT = 48;
/** Pages that are read at once, so that the field above the list finds every tag of an ordinary account. */
const PAGES_READ = 25;

type Tag = OutputOf<'tags.list'>['results'][number];
type Asked = { kind: 'rename' | 'delete'; tag: string };

/** Renders the tags of active memories, to rename, merge or remove one. */
export function TagsScreen() {
  const tags = useOperationPages('tags.list', { limit: 200 });
  const [text, setText] = useState('');
  const [asked, setAsked] = useState<Asked>();
  const { hasNextPage, isFetchingNextPage, isFetchNextPageError, fetchNextPage } = tags;
  const pages = tags.data?.pages.length ?? 0;
  useEffect(() => {
    if (hasNextPage && !isFetchingNextPage && !isFetchNextPageError && pages < PAGES_READ) void fetchNextPage();
  }, [hasNextPage, isFetchingNextPage, isFetchNextPageError, pages, fetchNextPage]);
  const typed = text.trim().toLowerCase();
  const shown = useMemo(
    () => tags.data?.pages.flatMap(({ results }) => results).filter(({ tag }) => tag.includes(typed)) ?? [],
    [tags.data, typed],
  );
  const readOn = useCallback(() => {
    if (hasNextPage && !isFetchingNextPage && !isFetchNextPageError) void fetchNextPage();
  }, [hasNextPage, isFetchingNextPage, isFetchNextPageError, fetchNextPage]);
  const total = tags.data?.pages[0]?.total ?? 0;
  return (
    <Screen
      title="Tags"
      lead={tags.data && `${formatNumber(total)} ${total === 1 ? 'tag' : 'tags'} of active memories.`}
    >
      <MemoriesNav />
      {tags.error && !tags.data ? (
        <ErrorPanel error={tags.error as never} onRetry={() => tags.refetch()} />
      ) : !tags.data ? (
        <Loading label="Loading tags" lines={8} />
      ) : total === 0 ? (
        <EmptyState title="No tags yet">Agents tag what they store, and you can tag memories in the list.</EmptyState>
      ) : (
        <div className="stack">
          <SearchField label="Find a tag" placeholder="Find a tag" value={text} onChange={setText} />
          {shown.length === 0 && <EmptyState title="No tag matches" />}
          <VirtualRows
            label="Tags"
            count={shown.length}
            height={() => ROW_HEIGHT}
            keyOf={(index) => shown[index]?.tag ?? String(index)}
            onEnd={readOn}
          >
            {(index) => <TagRow tag={shown[index] as Tag} onAsk={setAsked} />}
          </VirtualRows>
        </div>
      )}
      {asked?.kind === 'rename' && <RenameTag tag={asked.tag} onClose={() => setAsked(undefined)} />}
      {asked?.kind === 'delete' && (
        <ChangeDialog
          title={`Remove the tag “${asked.tag}”`}
          operation="tags.delete"
          input={{ tag: asked.tag }}
          act="Remove from"
          done={`Tag “${asked.tag}” removed`}
          undo={({ changed }) => runOnIds(changed, { action: 'add_tags', tags: [asked.tag] })}
          onClose={() => setAsked(undefined)}
        >
          <p>The memories stay, without this tag.</p>
        </ChangeDialog>
      )}
    </Screen>
  );
}

function TagRow({ tag: { tag, count }, onAsk }: { tag: Tag; onAsk: (asked: Asked) => void }) {
  return (
    <div className="plain-row">
      <Link to="/memories" search={{ tags: [tag] }} className="clipped grow">
        {tag}
      </Link>
      <span className="detail number">{formatNumber(count)}</span>
      <Menu
        label={`Acts on tag ${tag}`}
        actions={[
          { id: 'rename', label: 'Rename or merge', run: () => onAsk({ kind: 'rename', tag }) },
          {
            id: 'delete',
            label: 'Remove from all memories',
            run: () => onAsk({ kind: 'delete', tag }),
            isDangerous: true,
          },
        ]}
      >
        <MoreHorizontal size={18} aria-hidden />
      </Menu>
    </div>
  );
}

function RenameTag({ tag, onClose }: { tag: string; onClose: () => void }) {
  const [name, setName] = useState(tag);
  const settled = useSettled(name.trim());
  const input = settled !== '' && settled !== tag && settled === name.trim() ? { tag, new_tag: settled } : undefined;
  return (
    <ChangeDialog
      title={`Rename the tag “${tag}”`}
      operation="tags.update"
      input={input}
      act="Rename in"
      done={`Tag “${tag}” is now “${settled}”`}
      prepare={() => idsWithBoth(tag, settled)}
      undo={async ({ changed }, withBoth) => {
        await runOnIds(changed, { action: 'add_tags', tags: [tag] });
        const renamed = changed.filter((id) => !withBoth.includes(id));
        await runOnIds(renamed, { action: 'remove_tags', tags: [settled] });
      }}
      onClose={onClose}
      remark={({ merges }) => merges && <p>Other memories have the tag “{settled}” already: the two become one.</p>}
    >
      <TextField
        label="New name"
        value={name}
        onChange={setName}
        autoFocus
        description="Stored in lower case, with _ for spaces. The name of another tag merges the two."
      />
    </ChangeDialog>
  );
}

/** Returns the memories that have both tags, which an undo must leave with both. */
async function idsWithBoth(tag: string, other: string): Promise<string[]> {
  const filter = { tags: [tag, other], status: 'all' as const };
  const plan = await write('memories.bulk', { filter, action: 'remove_tags', tags: [tag], dry_run: true });
  return plan.changed;
}
