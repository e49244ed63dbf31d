import type { Sql } from '../../client/sql.ts';

/** A memory, or a former version of one, that waits to be stored. */
export interface ImportItemRow {
  item: number;
  /** Line of the file at which its record starts, from 1. */
  line: number;
  kind: 'memory' | 'version';
  /** A short name for people. */
  label: string;
  size_bytes: number;
  data: Record<string, unknown>;
}

/** A record that did not fit, or was there already. */
export interface ImportFindingRow {
  finding: number;
  line: number;
  what: string;
  code: string;
  why: string;
}

/** Appends items to an import. */
export async function insertImportItems(
  sql: Sql,
  userId: string,
  id: string,
  items: readonly ImportItemRow[],
): Promise<void> {
  if (items.length === 0) return;
  await sql.query({
    name: 'insert_import_items',
    text: `insert into import_items (user_id, import_id, item, line, kind, label, size_bytes, data)
      select $1, $2, *
      from unnest($3::integer[], $4::integer[], $5::text[], $6::text[], $7::integer[], $8::json[])`,
    values: [
      userId,
      id,
      items.map(({ item }) => item),
      items.map(({ line }) => line),
      items.map(({ kind }) => kind),
      items.map(({ label }) => label),
      items.map(({ size_bytes }) => size_bytes),
      items.map(({ data }) => JSON.stringify(data)),
    ],
  });
}

/** Removes the first items of an import, at most `limit` and about `bytesMax` bytes of them, and returns them. */
export async function takeImportItems(
  sql: Sql,
  userId: string,
  id: string,
  { limit, bytesMax }: { limit: number; bytesMax: number },
): Promise<ImportItemRow[]> {
  const result = await sql.query<ImportItemRow>({
    name: 'take_import_items',
    text: `with page as (
        select item, sum(size_bytes) over (order by item) - size_bytes as before
        from (
          select item, size_bytes
          from import_items
          where user_id = $1 and import_id = $2
          order by item
          limit $3
        ) first
      ),
      taken as (
        delete from import_items
        where user_id = $1
          and import_id = $2
          and item in (select item from page where before < $4)
        returning item, line, kind, label, size_bytes, data
      )
      select *
      from taken
      order by item`,
    values: [userId, id, limit, bytesMax],
  });
  return result.rows;
}

/** Appends findings to an import, behind those that it has, up to a total of `max`. */
export async function insertImportFindings(
  sql: Sql,
  userId: string,
  id: string,
  findings: readonly Omit<ImportFindingRow, 'finding'>[],
  max: number,
): Promise<void> {
  if (findings.length === 0) return;
  await sql.query({
    name: 'insert_import_findings',
    text: `insert into import_findings (user_id, import_id, finding, line, what, code, why)
      select $1, $2, last + position, line, what, code, why
      from (
        select coalesce(max(finding), 0) as last
        from import_findings
        where user_id = $1 and import_id = $2
      ) present,
      unnest($3::integer[], $4::text[], $5::text[], $6::text[])
        with ordinality as f (line, what, code, why, position)
      where last + position <= $7`,
    values: [
      userId,
      id,
      findings.map(({ line }) => line),
      findings.map(({ what }) => what),
      findings.map(({ code }) => code),
      findings.map(({ why }) => why),
      max,
    ],
  });
}

/** Lists a page of an import's findings, in the order of its lines. `without` leaves those of a code out. */
export async function listImportFindings(
  sql: Sql,
  userId: string,
  id: string,
  { limit, after, without }: { limit: number; after: number; without?: string },
): Promise<ImportFindingRow[]> {
  const result = await sql.query<ImportFindingRow>({
    name: 'list_import_findings',
    text: `select finding, line, what, code, why
      from import_findings
      where user_id = $1 and import_id = $2 and finding > $3 and code is distinct from $5
      order by finding
      limit $4`,
    values: [userId, id, after, limit, without ?? null],
  });
  return result.rows;
}

/** Counts an import's findings. */
export async function countImportFindings(sql: Sql, userId: string, id: string): Promise<number> {
  const result = await sql.query<{ count: string }>({
    text: 'select count(*) from import_findings where user_id = $1 and import_id = $2',
    values: [userId, id],
  });
  return Number(result.rows[0]?.count ?? 0);
}

/** Deletes the items of an import. */
export async function deleteImportItems(sql: Sql, userId: string, id: string): Promise<void> {
  await sql.query({ text: 'delete from import_items where user_id = $1 and import_id = $2', values: [userId, id] });
}
