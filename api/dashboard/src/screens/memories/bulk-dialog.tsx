import { useState } from 'react';
import { useOperation } from '../../api/hooks.ts';
import { Button } from '../../components/button.tsx';
import { Dialog, DialogActions } from '../../components/dialog.tsx';
import { Callout, Progress } from '../../components/feedback.tsx';
import { TextField } from '../../components/fields.tsx';
import { formatNumber } from '../../components/format.tsx';
import { Loaded } from '../../components/screen.tsx';
import { type BulkInput, perform, runBulk, runOnIds } from './acts.ts';
import { memoriesText } from './count-text.ts';
import { DryRunReport } from './dry-run-report.tsx';
import { TagPicker } from './tag-picker.tsx';
import { useSettled } from './use-settled.ts';

export type BulkAction = BulkInput['action'];

const WORDS: Record<BulkAction, { title: string; act: string; done: string }> = {
  archive: { title: 'Archive memories', act: 'Archive', done: 'archived' },
  restore: { title: 'Restore memories', act: 'Restore', done: 'restored' },
  delete: { title: 'Delete memories for good', act: 'Delete for good', done: 'deleted for good' },
  add_tags: { title: 'Add a tag', act: 'Add to', done: 'tagged' },
  remove_tags: { title: 'Remove a tag', act: 'Remove from', done: 'without the tag' },
  move: { title: 'Move to a project', act: 'Move', done: 'moved' },
};

interface BulkDialogProps {
  action: BulkAction;
  filter: BulkInput['filter'];
  onClose: () => void;
  onDone: () => void;
}

/** Shows what a bulk change would do, by a dry run, and runs it when that is confirmed. */
export function BulkDialog({ action, filter, onClose, onDone }: BulkDialogProps) {
  const [tags, setTags] = useState<string[]>([]);
  const [project, setProject] = useState('');
  const [changed, setChanged] = useState<number>();
  const needsTag = action === 'add_tags' || action === 'remove_tags';
  const settled = useSettled(project.trim());
  const isComplete = needsTag ? tags.length > 0 : settled === project.trim();
  const change = {
    filter,
    action,
    ...(needsTag && { tags }),
    ...(action === 'move' && { project: settled || null }),
  };
  const plan = useOperation('memories.bulk', { ...change, dry_run: true }, { enabled: isComplete });
  const words = WORDS[action];
  const count = isComplete && plan.data ? plan.data.changed.length + plan.data.remaining : 0;

  const run = async () => {
    setChanged(0);
    let done: Awaited<ReturnType<typeof runBulk>> | undefined;
    const undo = undoOf(action, tags, () => done);
    const isDone = await perform(
      `${memoriesText(count)} ${words.done}`,
      async () => {
        done = await runBulk(change, setChanged);
      },
      undo,
    );
    setChanged(undefined);
    if (isDone) onDone();
  };

  return (
    <Dialog title={words.title} isOpen onClose={onClose}>
      {needsTag && (
        <TagPicker
          label="Tag"
          value={tags}
          // One tag at a time, so that an undo restores exactly what was.
          onChange={(next) => setTags(next.slice(-1))}
          allowsNew={action === 'add_tags'}
        />
      )}
      {action === 'move' && (
        <TextField label="Project" value={project} onChange={setProject} description="Leave it empty for no project." />
      )}
      {action === 'delete' && (
        <Callout kind="warning">
          Deleted memories and all their versions are gone. This cannot be undone; archiving can.
        </Callout>
      )}
      {isComplete && (
        <Loaded result={plan}>
          {({ matched, rejected, duplicates = [] }) => (
            <DryRunReport count={count} matched={matched} rejected={rejected} duplicates={duplicates.length} />
          )}
        </Loaded>
      )}
      {changed !== undefined && (
        <Progress
          label={`${formatNumber(changed)} of ${memoriesText(count)}`}
          percent={Math.round((changed / Math.max(1, count)) * 100)}
        />
      )}
      <DialogActions>
        <Button onPress={onClose}>Cancel</Button>
        <Button
          variant={action === 'delete' ? 'danger' : 'primary'}
          isDisabled={!isComplete || count === 0}
          isPending={changed !== undefined || plan.isFetching}
          onPress={run}
        >
          {words.act} {memoriesText(count)}
        </Button>
      </DialogActions>
    </Dialog>
  );
}

/** Returns what undoes a bulk change; undefined for one that cannot be undone. */
function undoOf(
  action: BulkAction,
  tags: string[],
  result: () => Awaited<ReturnType<typeof runBulk>> | undefined,
): (() => Promise<unknown>) | undefined {
  const changed = () => result()?.changed ?? [];
  switch (action) {
    case 'archive':
      return () => runOnIds(changed(), { action: 'restore' });
    case 'restore':
      return () => runOnIds(changed(), { action: 'archive' });
    case 'add_tags':
      return () => runOnIds(changed(), { action: 'remove_tags', tags });
    case 'remove_tags':
      return () => runOnIds(changed(), { action: 'add_tags', tags });
    case 'move':
      return async () => {
        const { movedFrom = [], duplicates = [] } = result() ?? {};
        for (const { project, ids } of movedFrom) await runOnIds(ids, { action: 'move', project });
        await runOnIds(duplicates, { action: 'restore' });
      };
    default:
      return undefined;
  }
}
