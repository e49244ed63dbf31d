import { createHmac, randomBytes } from 'node:crypto';
import type { Sql } from '../../db/client/sql.ts';
import { type IpSaltRow, renewIpSalts } from '../../db/queries/jobs/ip-salts.ts';
import { DAY_MS, HOUR_MS } from '../time.ts';

const SALT_BYTES = 32;
const HASH_LENGTH = 22;

/** Hashes client IP addresses with a salt that all nodes share and that is deleted after its UTC day. */
export interface IpSalts {
  hash(address: string): string;
  /** Reads the salts of today and tomorrow, makes those that are missing, and deletes those of former days. */
  renew(): Promise<void>;
  close(): void;
}

interface IpSaltsOptions {
  /** Runs as the database owner. */
  sql: Sql;
  now: () => Date;
  onError: (error: unknown) => void;
}

/**
 * Loads the salts, and renews them every hour. Tomorrow's is loaded before it is needed; while there is none, because the database was
 * unavailable for a day, a node hashes with a random salt of its own.
 */
export async function openIpSalts({ sql, now, onError }: IpSaltsOptions): Promise<IpSalts> {
  const own = randomBytes(SALT_BYTES);
  let salts = new Map<string, Buffer>();
  const newSalt = (day: string): IpSaltRow => ({ day, salt: randomBytes(SALT_BYTES) });
  const renew = async () => {
    const today = now();
    const days = [newSalt(dayOf(today)), newSalt(dayOf(new Date(today.getTime() + DAY_MS)))] as const;
    salts = new Map((await renewIpSalts(sql, days)).map(({ day, salt }) => [day, salt]));
  };
  await renew();
  const timer = setInterval(() => void renew().catch(onError), HOUR_MS).unref();
  return {
    hash: (address) =>
      createHmac('sha256', salts.get(dayOf(now())) ?? own)
        .update(address)
        .digest('base64url')
        .slice(0, HASH_LENGTH),
    renew,
    close: () => clearInterval(timer),
  };
}

function dayOf(moment: Date): string {
  return moment.toISOString().slice(0, 10);
}
