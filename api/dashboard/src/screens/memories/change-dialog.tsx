import { type ReactNode, useState } from 'react';
import type { OperationId } from '../../../../contracts/index.ts';
import type { InputOf, OutputOf } from '../../api/client.ts';
import { useOperation } from '../../api/hooks.ts';
import { Button } from '../../components/button.tsx';
import { Dialog, DialogActions } from '../../components/dialog.tsx';
import { Progress } from '../../components/feedback.tsx';
import { formatNumber } from '../../components/format.tsx';
import { Loaded } from '../../components/screen.tsx';
import { perform, repeat, write } from './acts.ts';
import { memoriesText } from './count-text.ts';
import { DryRunReport } from './dry-run-report.tsx';

/** Operations that change all memories of a tag or project in blocks. */
type ChangeId = Extract<OperationId, 'tags.update' | 'tags.delete' | 'projects.update' | 'projects.delete'>;
export type ChangeResult = Awaited<ReturnType<typeof repeat>>;

interface ChangeDialogProps<Id extends ChangeId> {
  title: string;
  operation: Id;
  /** Input of the change; undefined while it is not complete. */
  input: InputOf<Id> | undefined;
  /** Label of the button, such as "Rename in". The number of memories follows. */
  act: string;
  /** Report of a success. */
  done: string;
  isDangerous?: boolean;
  /** Reads before the change what its undo needs: the ids of memories. */
  prepare?: () => Promise<readonly string[]>;
  undo?: ((result: ChangeResult, prepared: readonly string[]) => Promise<unknown>) | undefined;
  onClose: () => void;
  /** Fields of the change. */
  children?: ReactNode;
  /** Says more about the dry run. */
  remark?: (plan: OutputOf<Id>) => ReactNode;
}

/** Shows what a change of a tag or project would do, by a dry run, and runs it when that is confirmed. */
export function ChangeDialog<Id extends ChangeId>(props: ChangeDialogProps<Id>) {
  const { title, operation, input, act, done, isDangerous, prepare, undo, onClose, children, remark } = props;
  const [changed, setChanged] = useState<number>();
  // Every one of these operations is a dry run unless told otherwise.
  const plan = useOperation<ChangeId>(operation, { ...(input as object), dry_run: true } as InputOf<ChangeId>, {
    enabled: input !== undefined,
  });
  const count = input && plan.data ? plan.data.changed.length + plan.data.remaining : 0;
  const run = async () => {
    setChanged(0);
    let result: ChangeResult | undefined;
    let prepared: readonly string[] = [];
    const isDone = await perform(
      done,
      async () => {
        prepared = (await prepare?.()) ?? [];
        const call = () => write<ChangeId>(operation, { ...(input as object), dry_run: false } as InputOf<ChangeId>);
        result = await repeat(call, setChanged);
      },
      undo && (async () => result && undo(result, prepared)),
    );
    setChanged(undefined);
    if (isDone) onClose();
  };
  return (
    <Dialog title={title} isOpen onClose={onClose}>
      {children}
      {input && (
        <Loaded result={plan}>
          {(data) => (
            <DryRunReport
              count={count}
              matched={data.matched}
              rejected={data.rejected}
              duplicates={'duplicates' in data ? data.duplicates.length : 0}
            >
              {remark?.(data as OutputOf<Id>)}
            </DryRunReport>
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
          variant={isDangerous ? 'danger' : 'primary'}
          isDisabled={count === 0}
          isPending={changed !== undefined || (input !== undefined && plan.isFetching)}
          onPress={() => void run()}
        >
          {act} {memoriesText(count)}
        </Button>
      </DialogActions>
    </Dialog>
  );
}
