import { type ChildProcess, fork } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { programOf } from '../program.ts';
import type { ClientOptions, Order, Progress } from './client.ts';
import { type Comparison, compare } from './compare.ts';
import { readLog } from './log.ts';
import { killableService } from './service.ts';
import { addChaosUser, type ChaosUser, withDatabase } from './user.ts';

export interface KillingOptions {
  /** A folder without a database; one is made there, and the client's log beside it. */
  dataDir: string;
  kills: number;
  /** In so many of the kills PostgreSQL dies too. */
  databaseKills: number;
  /** A kill comes at a random moment of so many seconds after the calls go on. */
  secondsBetween: number;
  connections: number;
  embedder: 'none' | 'local';
  /** Told after each kill. */
  progress: (line: string) => void;
}

/** A service that survived its kills, and the log of the client that called it meanwhile. */
export interface Killing {
  /** Holds the log against the record; the reads that it makes are called and logged as well. */
  compare(): Promise<Comparison>;
  databaseUrl: string;
  user: ChaosUser;
  stop(): Promise<void>;
}

/** How long the service may outlive its database. */
const ALONE_MS = 300;
/** How long the client may take for its last calls. */
const LAST_CALLS_MS = 60_000;

/**
 * Kills a service again and again at random moments while a client process calls it, and starts it again each time.
 * Resolves once the client has the answer to all it asked under a key, with the service running.
 * @throws when the service does not come back, or the client fails
 */
export async function killAgainAndAgain(options: KillingOptions, signal?: AbortSignal): Promise<Killing> {
  const service = killableService(options.dataDir, { EMBEDDER: options.embedder });
  const log = join(options.dataDir, 'client.log');
  let client: Client | undefined;
  try {
    let url = await service.start();
    if (options.embedder !== 'none') await untilEncoding(url);
    const databaseUrl = await service.databaseUrl();
    const user = await withDatabase(databaseUrl, addChaosUser);
    client = startClient({ log, connections: options.connections, apiKey: user.apiKey, readerKey: user.readerKey });
    for (let round = 1; round <= options.kills; round++) {
      const before = client.answers();
      client.tell({ url });
      while (client.answers() < before + options.connections) await delay(5, undefined, { signal });
      await delay(randomInt(0, Math.ceil(options.secondsBetween * 1000) + 1), undefined, { signal });
      const powerCut = isPowerCut(round, options);
      if (powerCut) {
        await service.killDatabase();
        // For a moment the service lives on without its database: its answers then are part of the load.
        await delay(randomInt(0, ALONE_MS));
      }
      await service.kill();
      url = await service.start();
      const died = powerCut ? 'service and PostgreSQL' : 'service';
      options.progress(`kill ${round} of ${options.kills} (${died}): ${client.answers()} answers so far`);
    }
    client.tell({ url });
    await client.finish();
    const entries = await readLog(log);
    const address = url;
    const embeds = options.embedder !== 'none';
    const now = await service.databaseUrl();
    return {
      databaseUrl: now,
      user,
      async compare() {
        const compared = { url: address, userId: user.userId, apiKey: user.apiKey, entries, embeds };
        return withDatabase(now, (database) => compare(database.owner, compared));
      },
      stop: service.stop,
    };
  } catch (error) {
    client?.kill();
    await service.stop();
    throw error;
  }
}

/** Waits for the encoder. Where it cannot be started, what is written does not wait for vectors and nothing could be compared. */
async function untilEncoding(url: string): Promise<void> {
  for (;;) {
    const { search } = (await (await fetch(`${url}/ready`)).json()) as { search: { semantic: string } };
    if (search.semantic === 'ready') return;
    if (search.semantic === 'off') throw new Error('the encoder does not start');
    await delay(50);
  }
}

/** Spreads the kills of the database evenly over all, the last one included. */
function isPowerCut(round: number, { kills, databaseKills }: KillingOptions): boolean {
  return Math.floor((round * databaseKills) / kills) > Math.floor(((round - 1) * databaseKills) / kills);
}

interface Client {
  tell(order: Order): void;
  answers(): number;
  /** Lets it end its last calls, and waits until it has. */
  finish(): Promise<void>;
  kill(): void;
}

function startClient(options: ClientOptions): Client {
  const { file, ...program } = programOf('scripts/chaos/client');
  const child: ChildProcess = fork(file, [JSON.stringify(options)], {
    ...program,
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const ended = once(child, 'exit');
  let answers = 0;
  child.on('message', (progress: Progress) => {
    answers = progress.answers;
  });
  return {
    answers() {
      if (child.exitCode !== null || child.signalCode !== null) throw new Error('the client ended before its time');
      return answers;
    },
    tell: (order) => void child.send(order),
    async finish() {
      child.send({ end: true } satisfies Order);
      const patience = setTimeout(() => child.kill('SIGKILL'), LAST_CALLS_MS);
      const [code, signal] = await ended;
      clearTimeout(patience);
      if (code !== 0) throw new Error(`the client ended with ${signal ?? code}`);
    },
    kill: () => void child.kill('SIGKILL'),
  };
}
