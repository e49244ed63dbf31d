import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';

/** Callbacks of a listener. */
interface NotificationHandlers {
  /** A notification was committed. */
  onNotification(payload: string): void;
  /** Every notification that commits from now on will arrive. */
  onListening(): void;
  /** Notifications may be missed until the next `onListening`. */
  onLost(): void;
  onError(error: Error): void;
}

export interface Listener {
  close(): Promise<void>;
}

const RECONNECT_PAUSE_MS = 50;
const RECONNECT_PAUSE_MAX_MS = 2_000;
/** A connection whose other end vanished looks like an idle one, so it is checked with a query. */
const CHECK_INTERVAL_MS = 2_000;
const RESPONSE_TIMEOUT_MS = 2_000;

/**
 * Listens on a channel of PostgreSQL's NOTIFY with a connection of its own, which is reopened whenever it is lost.
 * @param url of any login, but not of a transaction-mode pooler
 */
export function listenForNotifications(url: string, channel: string, handlers: NotificationHandlers): Listener {
  const closing = new AbortController();
  let pause = RECONNECT_PAUSE_MS;

  /** Throws the reason why the connection ended. */
  async function listen(client: pg.Client): Promise<never> {
    const ended = new AbortController();
    client.on('error', (error) => ended.abort(error));
    client.on('end', () => ended.abort(new Error(`the connection that listens on ${channel} ended`)));
    client.on('notification', ({ payload }) => handlers.onNotification(payload ?? ''));
    await client.connect();
    await client.query(`listen ${channel}`);
    handlers.onListening();
    pause = RECONNECT_PAUSE_MS;
    const signal = AbortSignal.any([ended.signal, closing.signal]);
    for (;;) {
      await delay(CHECK_INTERVAL_MS, undefined, { signal }).catch(() => undefined);
      signal.throwIfAborted();
      await client.query('select 1');
    }
  }

  async function keepListening(): Promise<void> {
    while (!closing.signal.aborted) {
      const client = new pg.Client({
        connectionString: url,
        application_name: 'whitemagic-listener',
        connectionTimeoutMillis: RESPONSE_TIMEOUT_MS,
        query_timeout: RESPONSE_TIMEOUT_MS,
        keepAlive: true,
        // In this mode a query that times out destroys the connection.
        pipeline: true,
      });
      try {
        await listen(client);
      } catch (error) {
        handlers.onLost();
        if (!closing.signal.aborted) handlers.onError(error as Error);
      }
      await client.end().catch(() => undefined);
      await delay(pause, undefined, { signal: closing.signal }).catch(() => undefined);
      pause = Math.min(pause * 2, RECONNECT_PAUSE_MAX_MS);
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
