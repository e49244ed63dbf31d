import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** A TCP proxy to a database whose connections can be interrupted, all of them or those of one `application_name`. */
export interface TcpProxy {
  /** The database's URL through the proxy. */
  url: string;
  /** Closes the proxy and its connections. */
  disconnect(): Promise<void>;
  /** Opens the proxy again on the same port. */
  reconnect(): Promise<void>;
  /** Withholds the database's data on connections of this `application_name`, open and new, without closing them. */
  hold(application: string): void;
  /** Closes new connections of this `application_name`. */
  reject(application: string): void;
  /** Ends `hold` and `reject`. Withheld data is delivered. */
  release(): void;
}

/** Opens a proxy on a free loopback port. `disconnect` closes it. */
export async function openTcpProxy(databaseUrl: string): Promise<TcpProxy> {
  const target = Number(new URL(databaseUrl).port);
  const open = new Map<Socket, { to: Socket; application: string }>();
  let held: string | undefined;
  let rejected: string | undefined;

  const join = (from: Socket) => {
    const to = connect(target, '127.0.0.1');
    const pair = { to, application: '' };
    open.set(from, pair);
    from.once('data', (startup: Buffer) => {
      pair.application = /application_name\0([^\0]*)/.exec(startup.toString('latin1'))?.[1] ?? '';
      if (pair.application === rejected) from.destroy();
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
  // The Unix socket of the embedded database would be preferred.
  url.searchParams.delete('host');

  return {
    url: url.href,
    async disconnect() {
      const closed = once(server, 'close');
      server.close();
      for (const from of open.keys()) from.destroy();
      await closed;
    },
    async reconnect() {
      server = createServer(join).listen(port, '127.0.0.1');
      await once(server, 'listening');
    },
    hold(application) {
      held = application;
      for (const [from, pair] of open) if (pair.application === application) pair.to.unpipe(from);
    },
    reject(application) {
      rejected = application;
    },
    release() {
      for (const [from, pair] of open) if (pair.application === held) pair.to.pipe(from);
      held = undefined;
      rejected = undefined;
    },
  };
}
