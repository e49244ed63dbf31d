import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';

/*
 * Every node keeps what keys may for some seconds, so whatever changes it tells them, in its own statement: PostgreSQL
 * delivers a notification at the commit, and only then, so there is no moment at which a killed process could have changed
 * something and not told.
 */

const CHANNEL = 'account_changed';

/**
 * SQL that tells every node of a changed account once the transaction commits. It belongs into the `returning` of each
 * statement that changes a key's scopes, limit, expiry or revocation, or a user's plan, overrides or status.
 * @param userId the column that holds the user's id
 */
export function notifyAccountChanged(userId: 'id' | 'user_id'): string {
  return `pg_notify('${CHANNEL}', ${userId}::text)`;
}

/** What a listener calls. */
export interface AccountChangeHandlers {
  /** A change of this user's was committed. */
  onChange(userId: string): void;
  /** Every change that commits from now on will be heard. */
  onListening(): void;
  /** Changes may be missed until the next `onListening`. */
  onLost(): void;
}

export interface AccountListener {
  close(): Promise<void>;
}

const PAUSE_MS = 50;
const PAUSE_MAX_MS = 2_000;
/** A line whose other end is gone without a word looks like a silent one, so it is asked. */
const CHECK_EVERY_MS = 2_000;
const ANSWER_WITHIN_MS = 2_000;

/**
 * Listens for changes of accounts on a connection of its own, which is opened anew whenever it is lost.
 * @param url of any login, but not by way of a transaction-mode pooler
 */
export function listenForAccountChanges(
  url: string,
  changes: AccountChangeHandlers,
  onError: (error: Error) => void,
): AccountListener {
  const closing = new AbortController();
  let pause = PAUSE_MS;

  /** Throws why the connection is gone. */
  async function listen(client: pg.Client): Promise<never> {
    const gone = new AbortController();
    client.on('error', (error) => gone.abort(error));
    client.on('end', () => gone.abort(new Error('the connection that hears of changed accounts ended')));
    client.on('notification', ({ payload }) => changes.onChange(payload ?? ''));
    await client.connect();
    await client.query(`listen ${CHANNEL}`);
    changes.onListening();
    pause = PAUSE_MS;
    const signal = AbortSignal.any([gone.signal, closing.signal]);
    for (;;) {
      await delay(CHECK_EVERY_MS, undefined, { signal }).catch(() => undefined);
      signal.throwIfAborted();
      await client.query('select 1');
    }
  }

  async function keepListening(): Promise<void> {
    while (!closing.signal.aborted) {
      const client = new pg.Client({
        connectionString: url,
        application_name: 'whitemagic-listener',
        connectionTimeoutMillis: ANSWER_WITHIN_MS,
        query_timeout: ANSWER_WITHIN_MS,
        keepAlive: true,
        // With it, a statement that is not answered in time takes the connection down.
        pipeline: true,
      });
      try {
        await listen(client);
      } catch (error) {
        changes.onLost();
        if (!closing.signal.aborted) onError(error as Error);
      }
      await client.end().catch(() => undefined);
      await delay(pause, undefined, { signal: closing.signal }).catch(() => undefined);
      pause = Math.min(pause * 2, PAUSE_MAX_MS);
    }
  }

  const listening = keepListening();
  return {
    async close() {
      closing.abort();
      await listening;
    },
  };
}
