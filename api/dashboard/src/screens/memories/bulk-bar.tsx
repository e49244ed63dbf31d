import { useState } from 'react';
import { Button } from '../../components/button.tsx';
import { formatNumber } from '../../components/format.tsx';
import { Menu } from '../../components/menu.tsx';
import type { BulkInput } from './acts.ts';
import { type BulkAction, BulkDialog } from './bulk-dialog.tsx';

interface BulkBarProps {
  /** Selects the memories. */
  filter: BulkInput['filter'];
  /** Number of selected memories. */
  count: number;
  /** Selects everything that the list shows; undefined where that is not possible. */
  onSelectAll?: (() => void) | undefined;
  /** Number that `onSelectAll` would select. */
  total: number;
  onClear: () => void;
}

/** Renders the bar of a selection with its acts. Each of them shows a dry run before it changes anything. */
export function BulkBar({ filter, count, onSelectAll, total, onClear }: BulkBarProps) {
  const [action, setAction] = useState<BulkAction>();
  return (
    <section className="bulk-bar" aria-label="Selection">
      <strong className="number" role="status">
        {formatNumber(count)} selected
      </strong>
      {onSelectAll && total > count && (
        <Button variant="plain" onPress={onSelectAll}>
          Select all {formatNumber(total)}
        </Button>
      )}
      <span className="grow" />
      <Button onPress={() => setAction('archive')}>Archive</Button>
      <Button onPress={() => setAction('add_tags')}>Add tag</Button>
      <Menu
        label="More acts on the selection"
        variant="quiet"
        actions={[
          { id: 'remove_tags', label: 'Remove tag', run: () => setAction('remove_tags') },
          { id: 'move', label: 'Move to project', run: () => setAction('move') },
          { id: 'restore', label: 'Restore', run: () => setAction('restore') },
          { id: 'delete', label: 'Delete for good', run: () => setAction('delete'), isDangerous: true },
        ]}
      >
        More
      </Menu>
      <Button variant="plain" onPress={onClear}>
        Clear
      </Button>
      {action && (
        <BulkDialog
          action={action}
          filter={filter}
          onClose={() => setAction(undefined)}
          onDone={() => {
            setAction(undefined);
            onClear();
          }}
        />
      )}
    </section>
  );
}
