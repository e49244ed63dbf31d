import pg from 'pg';

/** A few pipelined connections that all callers share, taken in turn. Broken ones are opened anew at the next use. */
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

/** Shared connections answer in order, so they are for short statements only: a slow query would hold up the ones behind it. */
export function shareConnections(
  config: pg.ClientConfig,
  { count, onOpen, onError }: SharedOptions,
): SharedConnections {
  const slots: (Promise<pg.Client> | undefined)[] = Array.from({ length: count });
  let turn = 0;
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
      turn = (turn + 1) % count;
      return slots[turn] ?? open(turn);
    },
    async close() {
      closed = true;
      await Promise.all(slots.map(async (slot) => (await slot?.catch(() => undefined))?.end()));
    },
  };
}
