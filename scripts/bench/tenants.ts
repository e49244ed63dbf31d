import { v7 as uuidv7 } from 'uuid';
import { createUser } from '../../api/accounts/users.ts';
import type { Service } from '../../api/bootstrap.ts';
import { updateOverrides } from '../../db/queries/accounts/users.ts';
import { fill, rowOf } from './fill.ts';
import { GROWING, type Texts } from './texts.ts';
import type { WriteVectors } from './vectors.ts';

/** Memories of one transaction. */
const BATCH = 1_000;
/** Limits that a run does not reach. */
const WIDE = { requests_per_minute: 100_000_000, requests_per_day: 100_000_000, storage_bytes: 100_000_000_000 };

export interface Tenant {
  userId: string;
  apiKey: string;
}

/** Two nodes on one database, the second without an encoder, and the texts to store. */
export interface SearchBench {
  hybrid: Service;
  lexical: Service;
  texts: Texts;
  /** Undefined without semantic search. */
  writeVectors: WriteVectors | undefined;
  /** Prints the progress of a long step. */
  progress: (line: string) => void;
}

/** Adds a tenant with wide limits. */
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

/** Adds tenants with `each` memories. Returns the last one. */
export async function addOthers(bench: SearchBench, tenants: number, each: number): Promise<Tenant> {
  const report = progressOf(bench, `${tenants} other tenants`, tenants);
  const made: Tenant[] = [];
  // Two at a time: the database works for one while texts are generated for the other.
  const worker = async (from: number) => {
    for (let number = from; number <= tenants; number += 2) {
      const tenant = await addTenant(bench.hybrid);
      await fillUp(bench, tenant, number, 0, each);
      made[number] = tenant;
      report(number);
    }
  };
  await Promise.all([worker(1), worker(2)]);
  return made[tenants] as Tenant;
}

/** Grows the measured tenant from `from` to `to` memories. */
export function growTo(bench: SearchBench, tenant: Tenant, from: number, to: number): Promise<void> {
  return fillUp(bench, tenant, GROWING, from, to, progressOf(bench, `the growing tenant to ${to} memories`, to));
}

async function fillUp(
  { hybrid, texts, writeVectors }: SearchBench,
  { userId }: Tenant,
  number: number,
  from: number,
  to: number,
  report: (done: number) => void = () => undefined,
): Promise<void> {
  for (let start = from; start < to; start += BATCH) {
    const count = Math.min(BATCH, to - start);
    const rows = Array.from({ length: count }, (_, index) => rowOf(texts.note(number, start + index)));
    await fill(hybrid.database, userId, rows, writeVectors);
    report(start + count);
  }
}

/** Returns a function that prints the progress at every tenth. */
function progressOf({ progress }: SearchBench, what: string, of: number): (done: number) => void {
  const started = performance.now();
  let tenths = 0;
  return (done) => {
    if (Math.floor((10 * done) / of) <= tenths) return;
    tenths = Math.floor((10 * done) / of);
    progress(`filling ${what}: ${10 * tenths} % after ${Math.round((performance.now() - started) / 1000)} s`);
  };
}
