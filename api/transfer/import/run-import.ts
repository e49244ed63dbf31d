import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Database } from '../../../db/client/database.ts';
import type { Sql } from '../../../db/client/sql.ts';
import { deleteOldImports, findImport } from '../../../db/queries/accounts/imports.ts';
import { enqueue } from '../../../db/queries/jobs/job-queue.ts';
import { runImportJob } from '../../../db/queries/jobs/job-types.ts';
import type { RequestContext } from '../../context.ts';
import { DAY_MS } from '../../time.ts';
import { checkImport } from './check.ts';
import { storeBatch } from './store.ts';

/** Days for which an import that has ended, and its report, are kept. */
export const IMPORT_DAYS = 7;
/** Days after which an upload is deleted that was not run. */
export const UPLOAD_DAYS = 1;

/** Time for which one import stores memories before those of other accounts have their turn. */
const SLICE_MS = 2_000;
/** The queue in which imports run one at a time, so that they never take the place of e-mails and webhooks. */
const QUEUE = 'imports';

/** Enqueues the job of an import. Runs as the database owner. */
export async function enqueueImport(sql: Sql, userId: string, id: string): Promise<void> {
  const payload = { user_id: userId, import_id: id };
  await enqueue(sql, runImportJob, payload, { key: `import:${id}`, queueName: QUEUE });
}

/**
 * Works on an import for a while: checks its upload, then stores memories, and enqueues itself again behind the imports of others as
 * long as there are more. May be killed at any time and repeated.
 */
export async function runImport(
  database: Database,
  clock: Pick<RequestContext, 'now' | 'newId'>,
  userId: string,
  id: string,
): Promise<void> {
  const found = await findImport(database.shared(userId), userId, id);
  if (found?.status === 'checking') await checkImport(database, clock, userId, id);
  const ends = performance.now() + SLICE_MS;
  let isMore = true;
  while (isMore && performance.now() < ends) {
    isMore = await storeBatch(database, clock, userId, id);
    await nextTurn();
  }
  if (isMore) await database.ownerWrite((sql) => enqueueImport(sql, userId, id));
}

/** Deletes ended imports after a week, and others that have not changed for a day. Runs as the database owner. */
export async function deleteExpiredImports(sql: Sql, now: Date): Promise<void> {
  const ago = (days: number) => new Date(now.getTime() - days * DAY_MS);
  await deleteOldImports(sql, { endedBefore: ago(IMPORT_DAYS), idleBefore: ago(UPLOAD_DAYS) });
}
