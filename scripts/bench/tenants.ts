import { v7 as uuidv7 } from 'uuid';
import { createUser } from '../../api/accounts/users.ts';
import type { Service } from '../../api/bootstrap.ts';
import { updateOverrides } from '../../db/queries/accounts/users.ts';
import { fill, rowOf } from './fill.ts';
import { GROWING, type Texts } from './texts.ts';
import type { WriteVectors } from './vectors.ts';

/** Memories of one transaction. */
const BATCH = 1_000;
/** Far beyond what a run asks for. */
const WIDE = { requests_per_minute: 100_000_000, requests_per_day: 100_000_000, storage_bytes: 100_000_000_000 };

export interface Tenant {
  userId: string;
  apiKey: string;
}

/** What a run works with: two nodes on one database, of which the second one has no encoder. */
export interface Bench {
  whole: Service;
  words: Service;
  texts: Texts;
  /** None where nothing is searched by meaning. */
  writeVectors: WriteVectors | undefined;
  /** Says how a long step goes. */
  say: (line: string) => void;
}

/** Adds a tenant of wide limits. */
export async function addTenant(service: Service): Promise<Tenant> {
  return service.database.ownerWrite(async (sql) => {
    const context = { sql, now: () => new Date(), newId: () => uuidv7() };
    const wanted = {
      email: null,
      plan: 'enterprise',
      keyName: 'Bench',
      keyEnvironment: 'bench',
      actor: 'bench',
    } as const;
    const made = await createUser(context, wanted);
    await updateOverrides(sql, made.userId, WIDE, context.now());
    return made;
  });
}

/** Adds tenants of `each` memories. Answers the last one. */
export async function addOthers(bench: Bench, tenants: number, each: number): Promise<Tenant> {
  const report = progressOf(bench, `${tenants} other tenants`, tenants);
  const made: Tenant[] = [];
  // Two at once: the database has work while texts are made up for the other.
  const lane = async (from: number) => {
    for (let number = from; number <= tenants; number += 2) {
      const tenant = await addTenant(bench.whole);
      await fillUp(bench, tenant, number, 0, each);
      made[number] = tenant;
      report(number);
    }
  };
  await Promise.all([lane(1), lane(2)]);
  return made[tenants] as Tenant;
}

/** Lets the tenant that grows have `to` memories, where it had `from`. */
export function growTo(bench: Bench, tenant: Tenant, from: number, to: number): Promise<void> {
  return fillUp(bench, tenant, GROWING, from, to, progressOf(bench, `the tenant that grows to ${to} memories`, to));
}

async function fillUp(
  { whole, texts, writeVectors }: Bench,
  { userId }: Tenant,
  number: number,
  from: number,
  to: number,
  report: (done: number) => void = () => undefined,
): Promise<void> {
  for (let start = from; start < to; start += BATCH) {
    const count = Math.min(BATCH, to - start);
    const rows = Array.from({ length: count }, (_, index) => rowOf(texts.note(number, start + index)));
    await fill(whole.database, userId, rows, writeVectors);
    report(start + count);
  }
}

/** Says at every tenth how far it is. */
function progressOf({ say }: Bench, what: string, of: number): (done: number) => void {
  const started = performance.now();
  let tenths = 0;
  return (done) => {
    if (Math.floor((10 * done) / of) <= tenths) return;
    tenths = Math.floor((10 * done) / of);
    say(`filling ${what}: ${10 * tenths} % after ${Math.round((performance.now() - started) / 1000)} s`);
  };
}
