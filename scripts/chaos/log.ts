import { readFile } from 'node:fs/promises';
import type { Transport } from '../../db/queries/usage/events.ts';

/** A memory as a write leaves it. */
export interface Written {
  title: string;
  content: string;
  version: number;
  /** Unknown until a create is answered. */
  id?: string;
}

/** A line of the client's log: one call, and what was answered. */
export interface Entry {
  transport: Transport;
  operation: string;
  /** What a service that works answers. */
  expected: number;
  /** Undefined where no answer came. */
  status?: number;
  /** The usage event that the answer named. */
  event?: string;
  /** What a create or an update writes. */
  memory?: Written;
  idempotencyKey?: string;
  /** True for the repeated answer of an earlier call with the same key. */
  replayed?: boolean;
}

/** Every call of a client's log, in the order of the answers. */
export async function readLog(path: string): Promise<Entry[]> {
  return (await readFile(path, 'utf8'))
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Entry);
}

/** True where nobody can know whether the call was carried out: no answer, or a 503. */
export function isOpen({ status }: Entry): boolean {
  return status === undefined || status === 503;
}
