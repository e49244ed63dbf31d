import type { OperationId } from '../../../../contracts/index.ts';
import { ApiError, call, type InputOf, type OutputOf } from '../../api/client.ts';
import { queryClient } from '../../api/hooks.ts';
import { recordAct } from '../../api/pages.ts';
import { notifyDone, notifyError } from '../../components/toasts.tsx';

/** Operations whose results an act on memories changes. */
export const MEMORY_READS: readonly OperationId[] = [
  'memories.list',
  'memories.get',
  'memories.versions',
  'search.query',
  'tags.list',
  'projects.list',
  'stats.get',
];

/** The most memories that one bulk call names. */
const IDS_MAX = 1_000;

type Memory = Pick<OutputOf<'memories.get'>, 'id' | 'title' | 'version'>;
export type BulkInput = InputOf<'memories.bulk'>;

/** Reads again everything that an act on memories may have changed. */
async function refreshMemories(): Promise<void> {
  await Promise.all(MEMORY_READS.map((id) => queryClient.invalidateQueries({ queryKey: [id] })));
}

/**
 * Performs an act, reads again what it changed, and reports it with an undo where there is one. An error is reported too.
 * @returns whether it succeeded
 */
export async function perform(
  done: string,
  act: () => Promise<unknown>,
  undo?: () => Promise<unknown>,
): Promise<boolean> {
  try {
    await act();
    notifyDone(done, undo && (() => void perform('Undone', undo)));
    return true;
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    notifyError(error);
    return false;
  } finally {
    await refreshMemories();
  }
}

/** Calls a write so that a repetition of a lost call does no harm. */
export async function write<Id extends OperationId>(id: Id, input: InputOf<Id>): Promise<OutputOf<Id>> {
  let output: OutputOf<Id> | undefined;
  try {
    output = await call(id, input, { idempotencyKey: crypto.randomUUID() });
    return output;
  } finally {
    // A call whose response was lost may have changed something too.
    recordAct(MEMORY_READS, input, output);
  }
}

/** Archives a memory; undone by restoring it. */
export function archive({ id }: Memory): Promise<boolean> {
  return perform(
    'Memory archived',
    () => write('memories.delete', { id }),
    () => write('memories.restore', { id }),
  );
}

/** Makes an archived memory active again; undone by archiving it. */
export function restore({ id }: Memory): Promise<boolean> {
  return perform(
    'Memory restored',
    () => write('memories.restore', { id }),
    () => write('memories.delete', { id }),
  );
}

/** Restores a former version; undone by restoring the present one. */
export function restoreVersion({ id, version: present }: Memory, version: number): Promise<boolean> {
  return perform(
    `Version ${version} restored`,
    () => write('memories.restore', { id, version }),
    () => write('memories.restore', { id, version: present }),
  );
}

/** Deletes a memory and its versions for good. */
export function deleteForGood({ id }: Memory): Promise<boolean> {
  return perform('Memory deleted for good', () => write('memories.delete', { id, permanent: true }));
}

/** Runs a bulk change until nothing remains. Returns the ids that it changed, and how many were rejected and why. */
export async function runBulk(input: Omit<BulkInput, 'dry_run'>, onProgress?: (changed: number) => void) {
  return repeat((dry_run) => write('memories.bulk', { ...input, dry_run }), onProgress);
}

/** Runs a bulk change on these ids, in blocks. */
export async function runOnIds(
  ids: readonly string[],
  change: Omit<BulkInput, 'dry_run' | 'filter'>,
): Promise<string[]> {
  const changed: string[] = [];
  for (let at = 0; at < ids.length; at += IDS_MAX) {
    const filter = { ids: ids.slice(at, at + IDS_MAX), status: 'all' as const };
    changed.push(...(await runBulk({ ...change, filter })).changed);
  }
  return changed;
}

interface BlockResult {
  changed: string[];
  rejected: { id: string; code: string; detail: string }[];
  remaining: number;
  duplicates?: { id: string; duplicate_of: string }[] | undefined;
  moved_from?: { project: string | null; ids: string[] }[] | undefined;
}

/** Repeats a change that works in blocks until nothing remains, or a block changes nothing. */
export async function repeat<Result extends BlockResult>(
  run: (dryRun: false) => Promise<Result>,
  onProgress?: (changed: number) => void,
) {
  const total = {
    changed: [] as string[],
    rejected: [] as BlockResult['rejected'],
    duplicates: [] as string[],
    movedFrom: [] as NonNullable<BlockResult['moved_from']>,
  };
  for (;;) {
    const { changed, rejected, remaining, duplicates = [], moved_from = [] } = await run(false);
    total.changed.push(...changed);
    total.rejected.push(...rejected);
    total.duplicates.push(...duplicates.map(({ id }) => id));
    total.movedFrom.push(...moved_from);
    onProgress?.(total.changed.length);
    if (remaining === 0 || changed.length === 0) return total;
  }
}
