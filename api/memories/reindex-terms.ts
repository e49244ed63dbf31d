import { NIL } from 'uuid';
import type { Database } from '../../db/client/database.ts';
import {
  findTenantWithOutdatedTerms,
  indexTerms,
  type TermFrequencies,
  takeOutdatedTerms,
} from '../../db/queries/memories/terms.ts';
import { changeQuota, lockTenantStatement } from '../../db/queries/usage/quotas.ts';
import { countTermsOf } from '../search/count-in-thread.ts';

/** Memories of one transaction, during which the tenant cannot write. */
const BATCH = 10;

/**
 * Indexes the queued memories again, whose terms were made by older rules of the tokenizer. Until then they are found by their old terms. May be
 * stopped and repeated at any time. Returns the number of memories.
 */
export async function reindexTerms(database: Database): Promise<number> {
  let total = 0;
  let userId = await findTenantWithOutdatedTerms(database.owner, NIL);
  while (userId !== undefined) {
    const done = await reindexBatch(database, userId);
    total += done;
    if (done === 0) userId = await findTenantWithOutdatedTerms(database.owner, userId);
  }
  return total;
}

function reindexBatch(database: Database, userId: string): Promise<number> {
  const work = async (sql: Parameters<Parameters<Database['write']>[1]>[0]) => {
    const memories = await takeOutdatedTerms(sql, userId, BATCH);
    const counts = await countTermsOf(userId, memories);
    let words = 0;
    for (const [index, { id }] of memories.entries()) {
      words += await indexTerms(sql, userId, id, counts[index] as TermFrequencies);
    }
    if (words !== 0) await changeQuota(sql, userId, { bytes: 0, words });
    return memories.length;
  };
  return database.write(userId, work, { before: [lockTenantStatement(userId)] });
}
