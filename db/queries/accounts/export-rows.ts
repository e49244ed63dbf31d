import { exactlyOne, type Sql } from '../../client/sql.ts';

/*
 * The rows of an account export, kind by kind: all data of the tenant that people can read, without secrets and without derived data
 * (vectors, terms, counters).
 */

interface Section {
  table: string;
  columns: string;
  /** The rest of the primary key, by which rows are ordered. */
  key: readonly string[];
  /** SQL for the approximate size of a row in bytes. */
  size: string;
}

const SECTIONS = {
  memory: {
    table: 'memories',
    columns: `id, type, status, title, content, tags, metadata, project, session_id, occurred_at,
      occurred_offset_minutes, expires_at, supersedes, consolidated_into, is_digest, version, size_bytes, created_at, updated_at`,
    key: ['id'],
    size: 'size_bytes',
  },
  memory_version: {
    table: 'memory_versions',
    columns: `memory_id, version, type, status, title, content, tags, metadata, project, session_id, occurred_at,
      occurred_offset_minutes, expires_at, supersedes, size_bytes, written_at`,
    key: ['memory_id', 'version'],
    size: 'size_bytes',
  },
  api_key: {
    table: 'api_keys',
    columns:
      'id, name, prefix, last4, scopes, projects, rpm_limit, expires_at, revoked_at, last_used_at, created_at, client_id, client_host',
    key: ['id'],
    size: '0',
  },
  usage_day: {
    table: 'usage_daily',
    columns: `day::text, transport, operation, key_id, client, last_at, calls::float8, billable::float8, errors::float8, duration_ms, bytes_in::float8,
      bytes_out::float8, units::float8 as quota_units, tokens::float8`,
    key: ['day', 'transport', 'operation', 'key_id', 'client'],
    size: '0',
  },
  membership: {
    table: 'memberships',
    columns: 'id, status, plan_id, product_id, tier, period_end, cancel_at_period_end, manage_url',
    key: ['id'],
    size: '0',
  },
  webhook: {
    table: 'webhooks',
    columns: 'id, url, description, events, status, disabled_reason, created_at, updated_at',
    key: ['id'],
    size: '0',
  },
  audit: { table: 'audit_log', columns: 'id, at, actor, action, target, details', key: ['id'], size: '0' },
} as const satisfies Record<string, Section>;

export type ExportKind = keyof typeof SECTIONS;
/** The kinds of rows in an export, in their order in the file. */
export const EXPORT_KINDS = Object.keys(SECTIONS) as ExportKind[];

type ExportedRow = Record<string, unknown>;

const ROWS_MAX = 500;
const BYTES_MAX = 4_194_304;

/** Counts a tenant's rows of each kind. */
export async function countForExport(sql: Sql, userId: string): Promise<Record<ExportKind, number>> {
  const counts = EXPORT_KINDS.map(
    (kind) => `(select count(*)::float8 from ${SECTIONS[kind].table} where user_id = $1) as ${kind}`,
  );
  const result = await sql.query<Record<ExportKind, number>>({
    text: `select ${counts.join(', ')}`,
    values: [userId],
  });
  return exactlyOne(result);
}

/** Reads a tenant's rows of a kind in pages of at most {@link ROWS_MAX} rows and about {@link BYTES_MAX} bytes. */
export async function* pagesForExport(sql: Sql, userId: string, kind: ExportKind): AsyncGenerator<ExportedRow[]> {
  const { table, columns, key, size }: Section = SECTIONS[kind];
  const order = key.join(', ');
  const places = key.map((_column, index) => `$${index + 2}`).join(', ');
  let after: unknown[] = [];
  for (;;) {
    // The outer filter keeps PostgreSQL from reading the long texts of rows beyond the page.
    const page = await sql.query<ExportedRow>({
      text: `select ${columns} from (
          select t.*, sum(${size}) over (order by ${order}) - ${size} as before
          from (
            select *
            from ${table}
            where user_id = $1 ${after.length > 0 ? `and (${order}) > (${places})` : ''}
            order by ${order}
            limit ${ROWS_MAX}
          ) t
        ) page
        where before < ${BYTES_MAX}
        order by ${order}`,
      values: [userId, ...after],
    });
    const last = page.rows.at(-1);
    if (!last) return;
    yield page.rows;
    after = key.map((column) => last[column]);
  }
}
