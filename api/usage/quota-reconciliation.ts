import type { Database } from '../../db/client/database.ts';
import { compareQuotas, lockTenantStatement, type QuotaRepair, repairQuota } from '../../db/queries/usage/quotas.ts';
import { audit } from '../audit.ts';
import type { RequestContext } from '../context.ts';

const PAGE = 100;
const BEFORE_ALL = '00000000-0000-0000-0000-000000000000';

/**
 * Proves every tenant's quota by a recount, and sets right what differs, with an audit row. Looking holds nobody up; only
 * a tenant whose quota differs is held, for one short transaction, and counted again.
 * @param onRepair told of each quota that was wrong
 */
export async function recountQuotas(
  database: Database,
  clock: Pick<RequestContext, 'now' | 'newId'>,
  onRepair: (userId: string, repair: QuotaRepair) => void,
): Promise<void> {
  let page: { user_id: string; differs: boolean }[] = [];
  do {
    page = await compareQuotas(database.owner, page.at(-1)?.user_id ?? BEFORE_ALL, PAGE);
    for (const { user_id } of page.filter(({ differs }) => differs)) {
      const repair = await recountQuota(database, clock, user_id);
      if (repair) onRepair(user_id, repair);
    }
  } while (page.length === PAGE);
}

async function recountQuota(database: Database, clock: Pick<RequestContext, 'now' | 'newId'>, userId: string) {
  return database.ownerWrite(async (sql) => {
    await sql.query(lockTenantStatement(userId));
    const repair = await repairQuota(sql, userId);
    if (repair) {
      await audit({ ...clock, sql }, userId, { actor: 'job', action: 'quotas.repair', details: { ...repair } });
    }
    return repair;
  });
}
