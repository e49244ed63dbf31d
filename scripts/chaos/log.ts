import { readFile } from 'node:fs/promises';
import type { Transport } from '../../db/queries/usage/events.ts';

/** The state of a memory after a write. */
export interface Written {
  title: string;
  content: string;
  version: number;
  /** Unknown until the response to its create. */
  id?: string;
}

/** A line of the client's log: a call and its response. */
export interface Entry {
  transport: Transport;
  operation: string;
  /** The status that a working service returns. */
  expected: number;
  /** Undefined when there was no response. */
  status?: number;
  /** Id of the usage event that the response named. */
  event?: string;
  /** State that a create or an update writes. */
  memory?: Written;
  idempotencyKey?: string;
  /** True for the replayed response of an earlier call with the same key. */
  replayed?: boolean;
}

/** Reads a client's log, in the order of the responses. */
export async function readLog(path: string): Promise<Entry[]> {
  return (await readFile(path, 'utf8'))
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Entry);
}

/** Returns true when the client cannot know whether the call was executed: no response, or a 503. */
export function isUnknown({ status }: Entry): boolean {
  return status === undefined || status === 503;
}
