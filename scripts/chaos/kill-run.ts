import { type ChildProcess, fork } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { chmod, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { programOf } from '../program.ts';
import type { ClientOptions, Command, Progress } from './client.ts';
import { type Comparison, compare } from './compare.ts';
import { readLog } from './log.ts';
import { obstacleTo, play, type SceneName } from './scenes.ts';
import { killableService } from './service.ts';
import { mountSmallDisk } from './small-disk.ts';
import { addChaosUser, type ChaosUser, withDatabase } from './user.ts';

export interface KillOptions {
  /** A folder without a database: the database and the client's log are created in it. */
  dataDir: string;
  kills: number;
  /** Number of kills that include PostgreSQL. */
  databaseKills: number;
  /** Each kill happens at a random time within this many seconds after the service is back. */
  secondsBetween: number;
  connections: number;
  embedder: 'none' | 'local';
  /** Faults between the last kill and the comparison, which the service survives. */
  scenes?: readonly SceneName[];
  /** Called after each kill. */
  progress: (line: string) => void;
}

/** A service that was killed and restarted, and the log of the client that called it meanwhile. */
export interface KillRun {
  /** Compares the log with the database. Its own reads are appended to the log. */
  compare(): Promise<Comparison>;
  databaseUrl: string;
  user: ChaosUser;
  stop(): Promise<void>;
}

/** Longest time between the kill of the database and that of the service. */
const WITHOUT_DATABASE_MS = 300;
/** Time limit of the client's last calls. */
const LAST_CALLS_MS = 60_000;

/**
 * Kills a service repeatedly at random times while a client process calls it, and restarts it each time. Resolves when
 * the client has a response to every call with an idempotency key, and leaves the service running.
 * @throws Error when the service does not restart, or the client fails
 */
export async function killRepeatedly(options: KillOptions, signal?: AbortSignal): Promise<KillRun> {
  const serviceDir = join(options.dataDir, 'service');
  await mkdir(serviceDir);
  // The database's user must be able to enter.
  await chmod(options.dataDir, 0o711);
  const { scenes = [] } = options;
  const disk = scenes.includes('full-disk') ? await mountSmallDisk(serviceDir) : undefined;
  const service = killableService(serviceDir, { EMBEDDER: options.embedder });
  const stop = async () => {
    await service.stop();
    await disk?.unmount();
  };
  const log = join(options.dataDir, 'client.log');
  let client: Client | undefined;
  try {
    let url = await service.start();
    await untilReady(url, options.embedder !== 'none');
    const databaseUrl = await service.databaseUrl();
    const user = await withDatabase(databaseUrl, addChaosUser);
    client = startClient({ log, connections: options.connections, apiKey: user.apiKey, readerKey: user.readerKey });
    for (let round = 1; round <= options.kills; round++) {
      client.send({ url });
      await untilMore(client, options.connections, signal);
      await delay(randomInt(0, Math.ceil(options.secondsBetween * 1000) + 1), undefined, { signal });
      const withDatabaseKill = killsDatabase(round, options);
      if (withDatabaseKill) {
        await service.killDatabase();
        // The responses of a service without its database are part of the load.
        await delay(randomInt(0, WITHOUT_DATABASE_MS));
      }
      await service.kill();
      url = await service.start();
      const killed = withDatabaseKill ? 'service and PostgreSQL' : 'service';
      options.progress(`kill ${round} of ${options.kills} (${killed}): ${client.responses()} responses so far`);
    }
    client.send({ url });
    const stage = { url, service, disk, embeds: options.embedder !== 'none' };
    for (const scene of scenes) {
      const obstacle = obstacleTo(scene, stage);
      if (obstacle) {
        options.progress(`scene ${scene} is not played: ${obstacle}`);
        continue;
      }
      await untilMore(client, options.connections, signal);
      await play(scene, stage);
      await untilReady(url, stage.embeds);
      await untilMore(client, options.connections, signal);
      options.progress(`scene ${scene}: ${client.responses()} responses so far`);
    }
    await client.finish();
    const entries = await readLog(log);
    const input = { url, userId: user.userId, apiKey: user.apiKey, entries, embeds: options.embedder !== 'none' };
    const lastDatabaseUrl = await service.databaseUrl();
    return {
      databaseUrl: lastDatabaseUrl,
      user,
      compare: () => withDatabase(lastDatabaseUrl, (database) => compare(database.owner, input)),
      stop,
    };
  } catch (error) {
    client?.kill();
    await stop();
    throw error;
  }
}

/** Time for the service to recover from a fault: an encoder that hangs is killed after a minute. */
const RECOVERY_MS = 150_000;

/**
 * Waits until the service is ready, and its encoder if it embeds: without one, writes are not queued for vectors and the queue cannot be
 * compared.
 */
async function untilReady(url: string, embeds: boolean): Promise<void> {
  const deadline = performance.now() + RECOVERY_MS;
  for (;;) {
    const response = await fetch(`${url}/ready`);
    const { database, search } = (await response.json()) as { database: string; search: { semantic: string } };
    // `degraded` where a backlog is left from before a kill.
    const isEncoding = search.semantic === 'ready' || search.semantic === 'degraded';
    if (response.status === 200 && database === 'ok' && (!embeds || isEncoding)) return;
    if (performance.now() > deadline) {
      throw new Error(`the service does not recover: its database is ${database}, its encoder ${search.semantic}`);
    }
    await delay(50);
  }
}

/** Waits until the client has as many more responses as it has connections. */
async function untilMore(client: Client, connections: number, signal?: AbortSignal): Promise<void> {
  const before = client.responses();
  while (client.responses() < before + connections) await delay(5, undefined, { signal });
}

/** Spreads the kills of the database evenly over all kills, including the last one. */
function killsDatabase(round: number, { kills, databaseKills }: KillOptions): boolean {
  return Math.floor((round * databaseKills) / kills) > Math.floor(((round - 1) * databaseKills) / kills);
}

interface Client {
  send(command: Command): void;
  /** Number of responses so far. */
  responses(): number;
  /** Lets the client complete its calls in progress, and waits until it exits. */
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
  let responses = 0;
  child.on('message', (progress: Progress) => {
    responses = progress.responses;
  });
  return {
    responses() {
      if (child.exitCode !== null || child.signalCode !== null) throw new Error('the client exited early');
      return responses;
    },
    send: (command) => void child.send(command),
    async finish() {
      child.send({ end: true } satisfies Command);
      const timeout = setTimeout(() => child.kill('SIGKILL'), LAST_CALLS_MS);
      const [code, signal] = await ended;
      clearTimeout(timeout);
      if (code !== 0) throw new Error(`the client exited with ${signal ?? code}`);
    },
    kill: () => void child.kill('SIGKILL'),
  };
}
