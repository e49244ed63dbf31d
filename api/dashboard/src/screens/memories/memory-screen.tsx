import { getRouteApi, Link, useCanGoBack, useRouter } from '@tanstack/react-router';
import { ArrowLeft, Pencil } from 'lucide-react';
import { useEffect, useState } from 'react';
import { useOperation } from '../../api/hooks.ts';
import { Button } from '../../components/button.tsx';
import { CopyButton } from '../../components/copy.tsx';
import { ConfirmDialog } from '../../components/dialog.tsx';
import { EmptyState } from '../../components/feedback.tsx';
import { Markdown } from '../../components/markdown.tsx';
import { Menu } from '../../components/menu.tsx';
import { Loaded, Screen } from '../../components/screen.tsx';
import { archive, deleteForGood, restore } from './acts.ts';
import './memories.css';
import { MemoryChain } from './memory-chain.tsx';
import { MemoryEditor } from './memory-editor.tsx';
import { type Memory, MemoryFacts } from './memory-facts.tsx';
import { MemoryHistory } from './memory-history.tsx';
import { Marks } from './memory-row.tsx';

const route = getRouteApi('/memories/$id');

/** Renders one memory: its text, facts and history, and the acts on it. */
export function MemoryScreen() {
  const { id } = route.useParams();
  const memory = useOperation('memories.get', { id });
  if (memory.error && (memory.error.code === 'not_found' || memory.error.status === 422)) {
    return (
      <Screen title="Memory">
        <EmptyState title="There is no such memory" action={<Link to="/memories">All memories</Link>}>
          It may have been deleted for good.
        </EmptyState>
      </Screen>
    );
  }
  return <Loaded result={memory}>{(loaded) => <MemoryPage key={loaded.id} memory={loaded} />}</Loaded>;
}

function MemoryPage({ memory }: { memory: Memory }) {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const { history } = useRouter();
  const canGoBack = useCanGoBack();
  const isEditing = search.edit === true;
  const setEditing = (edit: boolean) => navigate({ search: edit ? { edit: true } : {}, replace: true });
  useMemoryKeys({
    isEditing,
    onEdit: () => setEditing(true),
    onClose: () => (canGoBack ? history.back() : navigate({ to: '/memories' })),
  });
  return (
    <Screen
      title={memory.title}
      lead={<Marks memory={memory} />}
      actions={<Acts memory={memory} onEdit={() => setEditing(true)} />}
    >
      <p className="back">
        <Link to="/memories" className="row">
          <ArrowLeft size={16} aria-hidden />
          All memories
        </Link>
      </p>
      {isEditing ? (
        <MemoryEditor memory={memory} onClose={() => setEditing(false)} />
      ) : (
        <div className="memory-page">
          <div className="stack large">
            <article className="panel" aria-label="Content">
              <Markdown text={memory.content} />
            </article>
            <MemoryChain memory={memory} />
            <MemoryHistory memory={memory} />
          </div>
          <MemoryFacts memory={memory} />
        </div>
      )}
    </Screen>
  );
}

function Acts({ memory, onEdit }: { memory: Memory; onEdit: () => void }) {
  const navigate = route.useNavigate();
  const [isAsking, setAsking] = useState(false);
  const [isDeleting, setDeleting] = useState(false);
  const remove = async () => {
    setDeleting(true);
    const isDone = await deleteForGood(memory);
    setDeleting(false);
    if (isDone) await navigate({ to: '/memories' });
  };
  const isActive = memory.status === 'active';
  return (
    <>
      <CopyButton text={memory.content} label="the content" />
      <Button onPress={onEdit} aria-keyshortcuts="e">
        <Pencil size={16} aria-hidden />
        Edit
      </Button>
      <Button onPress={() => void (isActive ? archive(memory) : restore(memory))}>
        {isActive ? 'Archive' : 'Restore'}
      </Button>
      <Menu
        label="More acts"
        variant="quiet"
        actions={[{ id: 'delete', label: 'Delete for good', run: () => setAsking(true), isDangerous: true }]}
      >
        More
      </Menu>
      <ConfirmDialog
        title="Delete this memory for good?"
        action="Delete for good"
        isOpen={isAsking}
        isPending={isDeleting}
        onConfirm={() => void remove()}
        onClose={() => setAsking(false)}
      >
        <p>
          “{memory.title}” and all its versions are deleted. This cannot be undone. Archiving hides a memory from your
          agents too, and can be undone.
        </p>
      </ConfirmDialog>
    </>
  );
}

interface MemoryKeys {
  isEditing: boolean;
  onEdit: () => void;
  onClose: () => void;
}

/** Handles the keys of the screen: `e` edits, Escape goes back to the list. */
function useMemoryKeys({ isEditing, onEdit, onClose }: MemoryKeys): void {
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (isEditing || event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
      if (
        (event.target as HTMLElement).closest('input, textarea, select') ||
        document.querySelector('.overlay, .popover')
      )
        return;
      const action = { e: onEdit, Escape: onClose }[event.key];
      if (!action) return;
      event.preventDefault();
      action();
    };
    document.addEventListener('keydown', onKey);
    return () => document.removeEventListener('keydown', onKey);
  }, [isEditing, onEdit, onClose]);
}
