import { connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

/** Clients that hold connections instead of using them. */
export type ConnectionScene = 'idle-connections' | 'slow-loris' | 'header-flood';

interface Attack {
  connections: number;
  /** Returns what a connection sends, and sends again every so many milliseconds. */
  send?: (turn: number) => string;
  everyMs: number;
}

const ATTACKS: Record<ConnectionScene, Attack> = {
  'idle-connections': { connections: 10_000, everyMs: 60_000 },
  // One header a second, and never the last one.
  'slow-loris': {
    connections: 500,
    send: (turn) => (turn === 0 ? 'GET /health HTTP/1.1\r\nHost: localhost\r\n' : `X-${turn}: 1\r\n`),
    everyMs: 1_000,
  },
  'header-flood': {
    connections: 100,
    send: (turn) =>
      turn === 0 ? 'GET /health HTTP/1.1\r\nHost: localhost\r\n' : `X-${turn}: ${'x'.repeat(8_000)}\r\n`,
    everyMs: 20,
  },
};
/** Connections that are opened at once: more would fill the queue of those that wait to be accepted. */
const AT_ONCE = 200;

/** Opens the connections of a scene to a service on this machine. Returns a function that closes them. */
export async function attack(scene: ConnectionScene, url: string): Promise<() => void> {
  const { connections, send, everyMs } = ATTACKS[scene];
  const { hostname, port } = new URL(url);
  const sockets: Socket[] = [];
  for (let opened = 0; opened < connections; opened += AT_ONCE) {
    const batch = Array.from({ length: Math.min(AT_ONCE, connections - opened) }, () => {
      const socket = connect(Number(port), hostname);
      // The service closes what takes too long, which is what it should.
      socket.on('error', () => undefined);
      sockets.push(socket);
      return socket;
    });
    for (let waited = 0; batch.some(({ connecting }) => connecting) && waited < 5_000; waited += 10) await delay(10);
  }
  let turn = 0;
  const sendAll = () => {
    const text = send?.(turn++);
    if (text) for (const socket of sockets) if (!socket.destroyed) socket.write(text);
  };
  sendAll();
  const timer = setInterval(sendAll, everyMs);
  return () => {
    clearInterval(timer);
    for (const socket of sockets) socket.destroy();
  };
}
