import type { Knex } from 'knex';

/**
 * The tenant's memories as ranking by words reads them. Below row-level security PostgreSQL gives an index none but leakproof
 * conditions, and the one that asks for words (`&&` of arrays) is not: the index of words would never be used. A view of the owner's
 * holds the tenant apart just the same and lets the index work. `is true` keeps the tenant out of the choice of an index, which
 * would else be read for all of the tenant's memories and intersected.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.raw('create view ranked_memories as select * from memories where (user_id = current_tenant()) is true');
  await knex.raw('grant select on ranked_memories to wm_app');
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop view ranked_memories');
}
