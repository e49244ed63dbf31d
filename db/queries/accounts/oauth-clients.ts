import type { Sql } from '../../client/sql.ts';

/*
 * Programs that registered themselves with the OAuth server (RFC 7591). They belong to no tenant: all statements run as the database
 * owner.
 */

/** Stores a client, or replaces its metadata. */
export async function upsertClient(sql: Sql, id: string, metadata: object, now: Date): Promise<void> {
  await sql.query({
    text: `insert into oauth_clients (id, metadata, created_at)
      values ($1, $2, $3)
      on conflict (id) do update
      set metadata = excluded.metadata`,
    values: [id, JSON.stringify(metadata), now],
  });
}

/** Returns the metadata of a client, and records at most once a day that it was used. */
export async function findClient(sql: Sql, id: string, now: Date): Promise<object | undefined> {
  const result = await sql.query<{ metadata: object }>({
    text: `with used as (
        update oauth_clients
        set used_at = $2
        where id = $1
          and (used_at is null or used_at < $2::timestamptz - interval '1 day')
      )
      select metadata
      from oauth_clients
      where id = $1`,
    values: [id, now],
  });
  return result.rows[0]?.metadata;
}

/** Deletes a client, if there is one. */
export async function deleteClient(sql: Sql, id: string): Promise<void> {
  await sql.query({ text: 'delete from oauth_clients where id = $1', values: [id] });
}

/** Deletes clients that were not used since a time, or were never used and registered before another, and returns their number. */
export async function deleteUnusedClients(
  sql: Sql,
  { usedBefore, registeredBefore }: { usedBefore: Date; registeredBefore: Date },
): Promise<number> {
  const result = await sql.query({
    text: `delete from oauth_clients
      where coalesce(used_at, created_at) < $2
        and (used_at < $1 or (used_at is null and created_at < $2))`,
    values: [usedBefore, registeredBefore],
  });
  return result.rowCount ?? 0;
}
