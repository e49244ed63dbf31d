import { NIL } from 'uuid';
import type { Database } from '../../db/client/database.ts';
import { compareQuotas, lockTenantStatement, type QuotaRepair, repairQuota } from '../../db/queries/usage/quotas.ts';
import { audit } from '../audit.ts';
import type { RequestContext } from '../context.ts';

const PAGE = 100;

/**
 * Compares every tenant's quota with its stored memories and repairs those that differ, with an audit row. The comparison takes
 * no locks; a tenant whose quota differs is locked for one short transaction and counted again.
 * @param onRepair called for each repaired quota
 */
export async function reconcileQuotas(
  database: Database,
  clock: Pick<RequestContext, 'now' | 'newId'>,
  onRepair: (userId: string, repair: QuotaRepair) => void,
): Promise<void> {
  let page: { user_id: string; differs: boolean }[] = [];
  do {
    page = await compareQuotas(database.owner, page.at(-1)?.user_id ?? NIL, PAGE);
    for (const { user_id } of page.filter(({ differs }) => differs)) {
      const repair = await reconcileQuota(database, clock, user_id);
      if (repair) onRepair(user_id, repair);
    }
  } while (page.length === PAGE);
}

async function reconcileQuota(database: Database, clock: Pick<RequestContext, 'now' | 'newId'>, userId: string) {
  return database.ownerWrite(async (sql) => {
    await sql.query(lockTenantStatement(userId));
    const repair = await repairQuota(sql, userId);
    if (repair) {
      await audit({ ...clock, sql }, userId, { actor: 'job', action: 'quotas.repair', details: { ...repair } });
    }
    return repair;
  });
}
