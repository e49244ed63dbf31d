import { type MemoryHead, updateState } from '../../db/queries/memories/heads.ts';
import { insertVersion } from '../../db/queries/memories/versions.ts';
import type { Caller, RequestContext } from '../context.ts';
import { changeEvent, recordMemoryEvent } from '../webhooks/events.ts';
import { changeStorage } from './storage-quota.ts';
import { rejectExactDuplicate } from './update.ts';

/** The fields of a memory that change without its text. */
type State = Partial<Pick<MemoryHead, 'type' | 'status' | 'consolidated_into'>>;

/**
 * Changes type, status or digest of a memory, as `change` does, without loading its content. Only a change of the type keeps a version:
 * archiving must not use storage.
 * @param head its present state, locked by this transaction
 * @param updatedAt the time of the change; of one that is not an edit, that of the last edit
 * @throws Problem `duplicate_memory` when it would become an exact duplicate of an active memory; `storage_full`
 */
export async function changeState(
  context: RequestContext,
  caller: Caller,
  head: MemoryHead,
  state: State,
  updatedAt = context.now(),
): Promise<void> {
  const next = { ...head, ...state, version: head.version + 1, updated_at: updatedAt };
  const isChanged = (field: keyof State) => next[field] !== head[field];
  if (!isChanged('type') && !isChanged('status') && !isChanged('consolidated_into')) return;
  if (next.status === 'active') await rejectExactDuplicate(context, caller, next);
  const grown = isChanged('type') ? await insertVersion(context.sql, caller.userId, head) : 0;
  await updateState(context.sql, caller.userId, next);
  await recordMemoryEvent(context, caller, changeEvent(head, next), next);
  if (grown !== 0) await changeStorage(context, caller, { bytes: grown, words: 0 });
}
