import pg from 'pg';

/**
 * A few pipelined connections that all callers share. The statements of one turn of the event loop go to the same connection, so that
 * they leave in one write and wake one server process; those of the next turn go to the next connection. Broken connections are
 * reopened at the next use.
 */
interface SharedConnections {
  next(): Promise<pg.Client>;
  close(): Promise<void>;
}

interface SharedOptions {
  /** Number of connections. */
  count: number;
  /** Prepares each connection before its first use. */
  onOpen?: (client: pg.Client) => void;
  onError: (error: Error) => void;
}

/** More statements of one turn go to the next connection: the last ones would wait long for the first ones. */
const STATEMENTS_PER_TURN_MAX = 16;

/** Creates shared connections. They execute in order, so they are for short statements only: a slow one would hold up those behind it. */
export function shareConnections(
  config: pg.ClientConfig,
  { count, onOpen, onError }: SharedOptions,
): SharedConnections {
  const slots: (Promise<pg.Client> | undefined)[] = Array.from({ length: count });
  let current = 0;
  /** Statements that the current connection still takes in this turn of the event loop. */
  let remaining = 0;
  let isClosed = false;

  function open(slot: number): Promise<pg.Client> {
    const client = new pg.Client(config);
    const discard = () => {
      if (slots[slot] === opening) slots[slot] = undefined;
    };
    client.on('error', (error) => {
      discard();
      onError(error);
    });
    client.on('end', discard);
    const opening: Promise<pg.Client> = client.connect().then(
      () => {
        onOpen?.(client);
        return client;
      },
      (error) => {
        discard();
        throw error;
      },
    );
    slots[slot] = opening;
    return opening;
  }

  return {
    next() {
      if (isClosed) return Promise.reject(new Error('Client was closed'));
      if (remaining === 0) {
        current = (current + 1) % count;
        remaining = STATEMENTS_PER_TURN_MAX;
        setImmediate(() => {
          remaining = 0;
        });
      }
      remaining--;
      return slots[current] ?? open(current);
    },
    async close() {
      isClosed = true;
      await Promise.all(slots.map(async (slot) => (await slot?.catch(() => undefined))?.end()));
    },
  };
}
