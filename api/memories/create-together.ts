import { findNearDuplicatesOfStored } from '../../db/queries/memories/near-duplicates.ts';
import type { NewMemoryRow } from '../../db/queries/memories/row.ts';
import type { Caller, RequestContext } from '../context.ts';
import type { NewMemory } from '../contracts/memory.ts';
import type { Embedders } from '../embeddings/embedder.ts';
import { requireTags } from '../listing/tags.ts';
import { create, ignoredTerms, newRow, REPORTED_NEAR_DUPLICATES, toCreated } from './create.ts';
import { storeRows } from './store-rows.ts';

/** Longer contents are stored one by one, so that a group takes no longer than one of them. */
const CONTENT_LENGTH_MAX = 8_192;

/** Returns whether a create may be one of several that are stored together. */
export function isShort({ content }: NewMemory): boolean {
  return content.length <= CONTENT_LENGTH_MAX;
}

/**
 * Creates the memories of concurrent calls of one account in one transaction. Each gets what `create` returns: those without anything
 * special are stored by one statement, the others, such as repeats, by themselves.
 * @throws Problem of the first that cannot be stored; then the caller must roll back
 */
export async function createTogether(
  context: RequestContext,
  calls: readonly { caller: Caller; input: NewMemory }[],
  embedders: Embedders,
) {
  const rows = calls.map(({ caller, input }) => {
    const row = newRow(context, caller, input);
    requireTags(row.tags);
    return row;
  });
  const { caller } = calls[0] as (typeof calls)[number];
  const storedIds = await storeRows(
    context,
    caller,
    rows.filter(({ supersedes }) => supersedes === null),
    embedders,
  );
  const stored = rows.filter(({ id }) => storedIds.has(id));
  const similar = await findSimilar(context, caller, stored);
  const results: Awaited<ReturnType<typeof create>>[] = [];
  for (const [place, call] of calls.entries()) {
    const row = rows[place] as NewMemoryRow;
    const isStored = storedIds.has(row.id);
    results.push(
      isStored ? toCreated(row, similar.get(row.id) ?? []) : await create(context, call.caller, call.input, embedders),
    );
  }
  return results;
}

function findSimilar({ sql }: RequestContext, { userId }: Caller, stored: readonly NewMemoryRow[]) {
  const compared = stored.map((row) => ({ id: row.id, project: row.project, ignoredTerms: ignoredTerms(row) }));
  return findNearDuplicatesOfStored(sql, userId, compared, REPORTED_NEAR_DUPLICATES);
}
