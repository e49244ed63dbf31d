import pg from 'pg';

/**
 * A few pipelined connections that all callers share. What is asked in one turn of the event loop goes to one of them, so that it
 * leaves in one write and wakes one server process; the next turn's goes to the next. Broken ones are opened anew at the next use.
 */
export interface SharedConnections {
  next(): Promise<pg.Client>;
  close(): Promise<void>;
}

export interface SharedOptions {
  /** How many connections. */
  count: number;
  /** What is done with each connection before it is used. */
  onOpen?: (client: pg.Client) => void;
  onError: (error: Error) => void;
}

/** More than this of one turn goes to the next connection: those at the end would wait long for those at the front. */
const ASKED_AT_ONCE = 16;

/** Shared connections answer in order, so they are for short statements only: a slow query would hold up the ones behind it. */
export function shareConnections(
  config: pg.ClientConfig,
  { count, onOpen, onError }: SharedOptions,
): SharedConnections {
  const slots: (Promise<pg.Client> | undefined)[] = Array.from({ length: count });
  let slot = 0;
  /** What this turn of the event loop may still ask on it. */
  let left = 0;
  let closed = false;

  function open(slot: number): Promise<pg.Client> {
    const client = new pg.Client(config);
    const forget = () => {
      if (slots[slot] === opening) slots[slot] = undefined;
    };
    client.on('error', (error) => {
      forget();
      onError(error);
    });
    client.on('end', forget);
    const opening: Promise<pg.Client> = client.connect().then(
      () => {
        onOpen?.(client);
        return client;
      },
      (error) => {
        forget();
        throw error;
      },
    );
    slots[slot] = opening;
    return opening;
  }

  return {
    next() {
      if (closed) return Promise.reject(new Error('Client was closed'));
      if (left === 0) {
        slot = (slot + 1) % count;
        left = ASKED_AT_ONCE;
        setImmediate(() => {
          left = 0;
        });
      }
      left--;
      return slots[slot] ?? open(slot);
    },
    async close() {
      closed = true;
      await Promise.all(slots.map(async (slot) => (await slot?.catch(() => undefined))?.end()));
    },
  };
}
