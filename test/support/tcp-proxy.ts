import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** A line to a database that can be cut and mended, as a whole or for connections of one name. */
export interface Line {
  /** The database's URL by way of the line. */
  url: string;
  cut(): Promise<void>;
  mend(): Promise<void>;
  /** Lets nothing from the database through on connections of this `application_name`, open and new, which are told nothing of it. */
  hold(application: string): void;
  /** Breaks new connections of this `application_name`. */
  refuse(application: string): void;
  /** Lets everything through again. What was held arrives now. */
  release(): void;
}

/** Opens a line on a free port of loopback. `cut` closes it for good, too. */
export async function openLine(databaseUrl: string): Promise<Line> {
  const target = Number(new URL(databaseUrl).port);
  const open = new Map<Socket, { to: Socket; application: string }>();
  let held: string | undefined;
  let refused: string | undefined;

  const join = (from: Socket) => {
    const to = connect(target, '127.0.0.1');
    const pair = { to, application: '' };
    open.set(from, pair);
    from.once('data', (startup: Buffer) => {
      pair.application = /application_name\0([^\0]*)/.exec(startup.toString('latin1'))?.[1] ?? '';
      if (pair.application === refused) from.destroy();
      if (pair.application === held) to.unpipe(from);
    });
    for (const [one, other] of [
      [from, to],
      [to, from],
    ] as const) {
      one.pipe(other);
      one
        .on('error', () => undefined)
        .on('close', () => {
          open.delete(from);
          other.destroy();
        });
    }
  };
  let server = createServer(join).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const url = new URL(databaseUrl);
  url.port = String(port);

  return {
    url: url.href,
    async cut() {
      const closed = once(server, 'close');
      server.close();
      for (const from of open.keys()) from.destroy();
      await closed;
    },
    async mend() {
      server = createServer(join).listen(port, '127.0.0.1');
      await once(server, 'listening');
    },
    hold(application) {
      held = application;
      for (const [from, pair] of open) if (pair.application === application) pair.to.unpipe(from);
    },
    refuse(application) {
      refused = application;
    },
    release() {
      for (const [from, pair] of open) if (pair.application === held) pair.to.pipe(from);
      held = undefined;
      refused = undefined;
    },
  };
}
