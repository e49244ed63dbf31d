import { createHash } from 'node:crypto';
import type { Sql } from '../../db/client/sql.ts';
import {
  claimIdempotencyKey,
  type IdempotencyRow,
  storeIdempotentResponse,
} from '../../db/queries/usage/idempotency.ts';
import type { Operation } from '../contracts/operation.ts';
import { Problem } from '../errors.ts';
import { utcDay } from '../usage/usage.ts';
import type { Call, Outcome } from './call.ts';

/**
 * Reserves the call's `Idempotency-Key` in the write's transaction, if it has one. A concurrent call with the same key
 * waits for the transaction that holds it.
 * @returns the outcome of the first call with the same key and request; undefined when this is the first
 * @throws Problem `idempotency_conflict` for another request, `secret_already_shown` where the first response held a secret
 */
export async function findReplay(
  sql: Sql,
  operation: Operation,
  call: Call,
  input: unknown,
  now: Date,
): Promise<Outcome | undefined> {
  if (!call.idempotencyKey) return undefined;
  const requestHash = createHash('sha256')
    .update(JSON.stringify([operation.id, input, call.caller.project]))
    .digest();
  const stored = await claimIdempotencyKey(sql, call.caller.userId, {
    key: call.idempotencyKey,
    requestHash,
    eventId: call.eventId,
    day: utcDay(now),
    now,
  });
  if (!stored) return undefined;
  if (!stored.request_hash.equals(requestHash)) throw new Problem('idempotency_conflict');
  if (stored.holds_secret) throw new Problem('secret_already_shown');
  return replay(stored);
}

/** Stores the outcome of a call with an `Idempotency-Key` for replays. An outcome with a secret is stored without its body. */
export async function storeForReplay(sql: Sql, operation: Operation, call: Call, outcome: Outcome): Promise<void> {
  if (!call.idempotencyKey) return;
  const { status, body, headers } = outcome;
  const response = { status, body, headers, holdsSecret: operation.execution.returnsSecret ?? false };
  await storeIdempotentResponse(sql, call.caller.userId, call.idempotencyKey, response);
}

function replay(stored: IdempotencyRow): Outcome {
  return {
    status: stored.status ?? 200,
    headers: { ...stored.headers, 'Idempotency-Replayed': 'true' },
    body: stored.body,
    text: JSON.stringify(stored.body),
    eventId: stored.event_id,
  };
}
