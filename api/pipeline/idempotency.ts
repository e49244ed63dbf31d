import { createHash } from 'node:crypto';
import type { Sql } from '../../db/client/sql.ts';
import { claimIdempotencyKey, storeIdempotentResponse } from '../../db/queries/usage/idempotency.ts';
import type { Operation } from '../contracts/operation.ts';
import { Problem } from '../errors.ts';
import { utcDay } from '../usage/usage.ts';
import type { Call } from './call.ts';
import { completeKept, keptOf } from './replay.ts';

/** Larger responses are not kept: a bulk change of a thousand memories takes about 40,000 bytes. */
const KEPT_BYTES_MAX = 262_144;

/** The response to the first call with an `Idempotency-Key`. */
export interface Replay {
  status: number;
  body: unknown;
  /** Usage event of the first call. */
  eventId: string;
}

/**
 * Reserves the call's `Idempotency-Key` in the write's transaction, if it has one. A concurrent call with the same key
 * waits for the transaction that holds it.
 * @returns the response to the first call with the same key and request; undefined when this is the first
 * @throws Problem `idempotency_conflict` for another request or of a key bound to other projects, `secret_already_shown` where the first response held a secret,
 *   `response_gone` where it is not kept
 */
export async function findReplay(
  sql: Sql,
  operation: Operation,
  call: Call,
  input: unknown,
  now: Date,
): Promise<Replay | undefined> {
  if (!call.idempotencyKey) return undefined;
  const { userId, project, projects } = call.caller;
  const requestHash = createHash('sha256')
    .update(JSON.stringify([operation.id, input, project, ...(projects ? [projects] : [])]))
    .digest();
  const stored = await claimIdempotencyKey(sql, userId, {
    key: call.idempotencyKey,
    requestHash,
    eventId: call.eventId,
    day: utcDay(now),
    now,
  });
  if (!stored) return undefined;
  if (!stored.request_hash.equals(requestHash)) throw new Problem('idempotency_conflict');
  if (stored.holds_secret) throw new Problem('secret_already_shown');
  if (stored.body === null) throw new Problem('response_gone');
  const body = await completeKept(operation, stored.body, sql, userId);
  if (body === undefined) throw new Problem('response_gone', { detail: 'Its memory was deleted permanently.' });
  return { status: stored.status ?? operation.http.statuses[0], body, eventId: stored.event_id };
}

/**
 * Keeps the response to a call with an `Idempotency-Key` for replays: of a memory only its id, of a response with a secret or
 * one that is too large nothing.
 */
export async function storeForReplay(
  sql: Sql,
  operation: Operation,
  call: Call,
  { status, body }: { status: number; body?: unknown },
): Promise<void> {
  if (!call.idempotencyKey) return;
  const holdsSecret = operation.execution.returnsSecret ?? false;
  const kept = holdsSecret ? undefined : JSON.stringify(keptOf(operation, body));
  await storeIdempotentResponse(sql, call.caller.userId, call.idempotencyKey, {
    status,
    body: kept !== undefined && Buffer.byteLength(kept) <= KEPT_BYTES_MAX ? kept : null,
    holdsSecret,
  });
}
