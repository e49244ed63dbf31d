import { createHash } from 'node:crypto';
import type { Knex } from 'knex';

interface Row {
  user_id: string;
  id: string;
  version: number;
  type: string;
  status: string;
  title: string;
  content: string;
  tags: string[];
  project: string | null;
  session_id: string | null;
  occurred_at: Date | null;
  expires_at: Date | null;
  supersedes: string | null;
}

/** The white space that JavaScript's `trim` removes. */
const SPACE =
  '\t\n\v\f\r \u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000\ufeff';
const NOT_NORMALIZED = `project is not nfc normalized
  or project <> btrim(project, ?)
  or session_id is not nfc normalized
  or session_id <> btrim(session_id, ?)
  or exists (select from unnest(tags) tag where tag is not nfc normalized)`;

/**
 * Normalizes the tags, projects and session ids of memories and versions: NFC, trimmed. An active memory that becomes an exact
 * duplicate of another is archived with a link to it, as a consolidation does.
 */
export async function up(knex: Knex): Promise<void> {
  const { rows } = await knex.raw<{ rows: Row[] }>(
    `select * from memories where ${NOT_NORMALIZED} order by user_id, id`,
    [SPACE, SPACE],
  );
  for (const row of rows) await normalizeMemory(knex, row);
  const versions = await knex.raw<{ rows: (Row & { memory_id: string })[] }>(
    `select * from memory_versions where ${NOT_NORMALIZED}`,
    [SPACE, SPACE],
  );
  for (const row of versions.rows) {
    const next = normalized(row);
    await knex('memory_versions')
      .where({ user_id: row.user_id, memory_id: row.memory_id, version: row.version })
      .update({ ...next.names, size_bytes: knex.raw('size_bytes + ?', [next.growth]) });
    await growQuota(knex, row.user_id, next.growth);
  }
}

/** The former spelling is not kept. */
export async function down(): Promise<void> {}

async function normalizeMemory(knex: Knex, row: Row): Promise<void> {
  const { names, growth } = normalized(row);
  const content_hash = hashOf({ ...row, ...names });
  const duplicate = row.status === 'active' ? await findDuplicate(knex, row, content_hash) : undefined;
  await knex('memories')
    .where({ user_id: row.user_id, id: row.id })
    .update({
      ...names,
      content_hash,
      size_bytes: knex.raw('size_bytes + ?', [growth]),
      ...(duplicate && { status: 'archived', consolidated_into: duplicate }),
    });
  await growQuota(knex, row.user_id, growth);
}

function normalized({ project, session_id, tags }: Row) {
  const names = {
    project: project === null ? null : project.normalize('NFC').trim() || null,
    session_id: session_id === null ? null : session_id.normalize('NFC').trim() || null,
    tags: [...new Set(tags.map((tag) => tag.normalize('NFC')))],
  };
  return { names, growth: bytes(names.tags) - bytes(tags) };
}

const bytes = (tags: readonly string[]) => Buffer.byteLength(tags.join(''));

/** The hash of `api/memories/content-hash.ts` at the time of this migration. */
function hashOf({ project, session_id, occurred_at, title, content }: Row): Buffer {
  const fields = [project, session_id, occurred_at?.toISOString() ?? null, title, content];
  return createHash('sha256').update(JSON.stringify(fields)).digest();
}

async function findDuplicate(knex: Knex, row: Row, contentHash: Buffer): Promise<string | undefined> {
  const { rows } = await knex.raw<{ rows: { id: string }[] }>(
    `select id
      from memories
      where user_id = ?
        and content_hash = ?
        and type = ?
        and expires_at is not distinct from ?
        and supersedes is not distinct from ?
        and status = 'active'
        and id <> ?`,
    [row.user_id, contentHash, row.type, row.expires_at, row.supersedes, row.id],
  );
  return rows[0]?.id;
}

async function growQuota(knex: Knex, userId: string, growth: number): Promise<void> {
  if (growth !== 0) await knex('quotas').where({ user_id: userId }).increment('storage_bytes', growth);
}
