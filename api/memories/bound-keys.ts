import { addKeyProject, listKeysOfProject, removeKeyProject } from '../../db/queries/accounts/key-projects.ts';
import { actorOf, audit } from '../audit.ts';
import type { Caller, RequestContext } from '../context.ts';
import { invalidField } from '../errors.ts';

/** A project that takes another name. "none" stands for the memories of no project. */
interface Rename {
  from: string;
  to: string;
  /** Whether memories of the new name exist. */
  merges: boolean;
}

/**
 * Returns the ids of the usable keys that are bound to a project that is renamed. They follow it. A merge is rejected while a key would
 * gain the memories of the other project by it.
 * @throws Problem `unprocessable`
 */
export async function findBoundKeys(context: RequestContext, caller: Caller, rename: Rename): Promise<string[]> {
  const keys = await listKeysOfProject(context.sql, caller.userId, rename.from);
  const gaining = keys.filter(({ projects }) => !projects.includes(rename.to));
  if (rename.merges && gaining.length > 0) {
    const names = gaining.map(({ name, last4 }) => `${JSON.stringify(name)} (…${last4})`).join(', ');
    throw invalidField(
      'new_name',
      `API keys are bound to this project and would gain the memories of the other one: ${names}. Change their projects first`,
    );
  }
  return keys.map(({ id }) => id);
}

/** Lets keys follow a rename: they have both projects until no memory is left under the former name. */
export async function followRename(
  context: RequestContext,
  caller: Caller,
  keyIds: readonly string[],
  { from, to, isComplete }: Pick<Rename, 'from' | 'to'> & { isComplete: boolean },
): Promise<void> {
  if (keyIds.length === 0) return;
  await addKeyProject(context.sql, caller.userId, keyIds, to);
  if (isComplete) await removeKeyProject(context.sql, caller.userId, keyIds, from);
  for (const target of keyIds) {
    await audit(context, caller.userId, {
      actor: actorOf(caller),
      action: 'keys.update',
      target,
      details: { fields: ['projects'] },
    });
  }
}
