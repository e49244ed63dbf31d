import pg from 'pg';
import { executeBatch } from './batch.ts';
import { closeClient } from './pg-internals.ts';
import type { Sql } from './sql.ts';

/** PostgreSQL accepts connections but does not respond: its machine or storage hangs, or the process is stopped. */
export class ServerUnresponsiveError extends Error {
  constructor() {
    super('PostgreSQL does not respond');
    this.name = 'ServerUnresponsiveError';
  }
}

/** Checks each second, on a connection of its own, that PostgreSQL responds. */
export interface Heartbeat {
  /** Executes a short statement on the connection of the heartbeat. Rejects after {@link RESPONSE_MS}, whatever the server does. */
  probe: Sql;
  /** Closes this connection when PostgreSQL stops responding, so that what waits on it is rejected. */
  watch(client: pg.ClientBase): void;
  /** Closes all watched connections without waiting for the server. */
  closeWatched(): void;
  /** Returns true when the last beat got no response. */
  isOverdue(): boolean;
  /** @throws ServerUnresponsiveError while PostgreSQL does not respond */
  assertResponsive(): void;
  close(): Promise<void>;
}

const INTERVAL_MS = 1_000;
/** Maximum time to respond, and to connect before that. */
export const RESPONSE_MS = 1_500;
/** A timer that fires later than this shows that the process, not the server, was busy. */
const BUSY_MS = 250;
const CONNECT_TIMEOUT_MS = 10_000;
/** Beats that fail in a row before the connections are closed: a single one may be an accident. */
const MISSED_MAX = 2;

/** Starts with the first connection to watch, so that nothing connects before the first statement. */
export function startHeartbeat(config: pg.ClientConfig, onUnresponsive: (error: Error) => void): Heartbeat {
  const watched = new Set<pg.ClientBase>();
  let current: Promise<pg.Client> | undefined;
  let timer: NodeJS.Timeout | undefined;
  let isBeating = false;
  let isClosed = false;
  let missed = 0;

  const connect = (): Promise<pg.Client> => {
    const client = new pg.Client({ ...config, connectionTimeoutMillis: CONNECT_TIMEOUT_MS });
    const connecting = client.connect().then(() => client);
    const forget = () => {
      if (current === connecting) current = undefined;
    };
    client.on('error', forget);
    client.on('end', forget);
    connecting.catch(forget);
    return connecting;
  };

  const probe: Sql = {
    query(statement) {
      if (isClosed) return Promise.reject(new Error('Client was closed'));
      current ??= connect();
      const used = current;
      const response = used.then((client) => executeBatch<never>(client, statement));
      return withDeadline(response, () => {
        if (current === used) current = undefined;
        used.then((client) => closeClient(client, new ServerUnresponsiveError())).catch(() => undefined);
      });
    },
  };

  const beat = async (): Promise<void> => {
    if (isBeating) return;
    isBeating = true;
    try {
      await probe.query({ text: 'select 1' });
      missed = 0;
    } catch (error) {
      // A refused connection is not a hanging server: open connections have been closed by it.
      missed = isSilence(error) ? missed + 1 : 0;
      if (missed === MISSED_MAX) {
        closeWatched();
        onUnresponsive(new ServerUnresponsiveError());
      }
    } finally {
      isBeating = false;
    }
  };

  const closeWatched = (): void => {
    const error = new ServerUnresponsiveError();
    for (const client of watched) closeClient(client, error);
    watched.clear();
  };

  return {
    probe,
    closeWatched,
    isOverdue: () => missed > 0,
    watch(client) {
      watched.add(client);
      client.on('end', () => watched.delete(client));
      timer ??= setInterval(() => void beat(), INTERVAL_MS).unref();
    },
    assertResponsive() {
      if (missed >= MISSED_MAX) throw new ServerUnresponsiveError();
    },
    async close() {
      isClosed = true;
      clearInterval(timer);
      const client = await current?.catch(() => undefined);
      if (client) closeClient(client);
    },
  };
}

function isSilence(error: unknown): boolean {
  return error instanceof ServerUnresponsiveError || (error instanceof Error && /timeout/i.test(error.message));
}

/** Rejects a response that does not arrive in time. `discard` closes its connection. */
function withDeadline<T>(response: Promise<T>, discard: () => void): Promise<T> {
  return new Promise((resolve, reject) => {
    let isSettled = false;
    let timer: NodeJS.Timeout | undefined;
    const wait = () => {
      const dueAt = performance.now() + RESPONSE_MS;
      // Responses that arrived while the process was busy are read before the check.
      timer = setTimeout(() => setImmediate(check, dueAt), RESPONSE_MS);
    };
    const check = (dueAt: number) => {
      if (isSettled) return;
      // A process that was busy cannot tell whether the server was silent.
      if (performance.now() - dueAt > BUSY_MS) return wait();
      discard();
      reject(new ServerUnresponsiveError());
    };
    wait();
    response.then(resolve, reject).finally(() => {
      isSettled = true;
      clearTimeout(timer);
    });
  });
}
