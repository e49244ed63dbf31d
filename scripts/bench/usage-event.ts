import { v7 as uuidv7 } from 'uuid';
import { utcDay } from '../../api/usage/usage.ts';
import type { UsageEvent } from '../../db/queries/usage/events.ts';

/** Returns the usage event of a call over REST, of now. */
export function usageEvent(
  userId: string,
  keyId: string | null,
  call: Pick<UsageEvent, 'operation' | 'method' | 'status'>,
): UsageEvent {
  const at = new Date();
  const sizes = { durationMs: 1, bytesIn: 400, bytesOut: 700, units: 1, tokens: null };
  const client = { client: 'node', requestId: uuidv7(), code: null };
  return {
    id: uuidv7(),
    userId,
    keyId,
    day: utcDay(at),
    at,
    transport: 'rest',
    billable: true,
    ...call,
    ...sizes,
    ...client,
  };
}

/** The call of a create. */
export const CREATE = { operation: 'memories.create', method: 'POST', status: 201 };
/** The call of a read. */
export const GET = { operation: 'memories.get', method: 'GET', status: 200 };
