import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { z } from 'zod';
import type { Sql } from '../../db/client/sql.ts';
import { type DeletionReceiptRow, ERASED_KINDS, listDeletionReceipts } from '../../db/queries/accounts/lifecycle.ts';
import { decryptStream, ENCRYPTED, encryptStream } from './encryption.ts';
import type { BackupStore } from './stores/store.ts';

/** Deletion receipts as a file holds them. */
export const receiptList = z.array(
  z.strictObject({
    user_id: z.uuid(),
    reason: z.string(),
    asked_at: z.coerce.date().nullable(),
    purged_at: z.coerce.date(),
    counts: z.record(z.enum(ERASED_KINDS), z.number()),
  }),
);

const NAME = 'deletion-receipts.json';

/**
 * Stores the receipts of deletions since a time beside the backups, which do not contain them. Older ones are in every backup.
 * @param sql as the database owner
 */
export async function storeReceipts(
  sql: Sql,
  store: BackupStore,
  { since, recipient }: { since: Date; recipient: string | undefined },
): Promise<void> {
  const receipts = await listDeletionReceipts(sql, since);
  const bytes = Readable.from([Buffer.from(JSON.stringify(receipts))], { objectMode: false });
  if (recipient === undefined) await store.write(NAME, bytes);
  else await store.write(`${NAME}${ENCRYPTED}`, await encryptStream(bytes, recipient));
}

/** Returns the receipts that are stored beside the backups; none where nothing was deleted yet. */
export async function readStoredReceipts(
  store: BackupStore,
  identity: string | undefined,
): Promise<DeletionReceiptRow[]> {
  const names = (await store.list()).map(({ name }) => name);
  const found: DeletionReceiptRow[] = [];
  for (const name of [NAME, `${NAME}${ENCRYPTED}`]) {
    if (!names.includes(name) || (name.endsWith(ENCRYPTED) && !identity)) continue;
    const bytes = await store.read(name);
    const plain = name.endsWith(ENCRYPTED) ? await decryptStream(bytes, identity as string) : bytes;
    found.push(...receiptList.parse(JSON.parse((await buffer(plain)).toString('utf8'))));
  }
  return found;
}
