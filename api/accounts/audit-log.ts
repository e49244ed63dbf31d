import { z } from 'zod';
import { listAudit } from '../../db/queries/accounts/audit.ts';
import type { Caller, RequestContext } from '../context.ts';
import { id } from '../contracts/fields.ts';
import { decodeCursor, encodeCursor } from '../listing/cursor.ts';

const POSITION = z.tuple([id]);
const QUERY = 'audit_log';

/** Lists what was done to the account, newest first. */
export async function auditLog(
  context: RequestContext,
  caller: Pick<Caller, 'userId'>,
  input: { limit: number; cursor?: string | undefined },
) {
  const before = input.cursor === undefined ? undefined : decodeCursor(QUERY, input.cursor, POSITION)[0];
  const rows = await listAudit(context.sql, caller.userId, { before, limit: input.limit + 1 });
  const shown = rows.slice(0, input.limit);
  const last = shown.at(-1);
  return {
    results: shown.map((row) => ({ ...row, at: row.at.toISOString() })),
    next_cursor: last && rows.length > shown.length ? encodeCursor(QUERY, [last.id]) : null,
  };
}
