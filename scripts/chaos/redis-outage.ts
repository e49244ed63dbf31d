import { Agent } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import type { Sql } from '../../db/client/sql.ts';
import { listDailyDifferences, listEvents } from '../../db/queries/usage/consistency-checks.ts';
import { sendRequest } from './send.ts';

/** Two nodes that share a Redis and a database, started with `EXPECTED_NODES=2`. */
interface SharedRedis {
  /** URLs of the nodes. */
  nodes: readonly [string, string];
  kill(): Promise<void>;
  restart(): Promise<void>;
}

/** The calling account. Its daily limit must be out of reach. */
interface LimitedUser {
  userId: string;
  apiKey: string;
  requestsPerMinute: number;
}

export interface RedisOutage {
  counts: Record<string, number>;
  /** One line per violation. Empty when no more calls passed than decision 0018 promises, and each is recorded. */
  differences: string[];
}

/** A completed call. Times are those of `performance.now()`. */
interface CompletedCall {
  node: string;
  sentAt: number;
  completedAt: number;
  status: number;
}

const CALLERS_PER_NODE = 4;
const PAUSE_MS = 5;

/**
 * Calls both nodes continuously, kills Redis, restarts it empty, and compares the number of calls that passed with the
 * guarantee: the limit of a minute for both nodes together while Redis is available, half of it per node while it is not.
 * @param sql as the role that owns the tables
 * @param seconds duration of each of the three states
 */
export async function killRedisUnderLoad(
  shared: SharedRedis,
  user: LimitedUser,
  sql: Sql,
  seconds: number,
  signal?: AbortSignal,
): Promise<RedisOutage> {
  await untilShared(shared.nodes);
  const started = performance.now();
  const calls = callUntilStopped(shared.nodes, user.apiKey);
  const wait = () => delay(seconds * 1000, undefined, { signal });
  try {
    await wait();
    const killing = performance.now();
    await shared.kill();
    const killed = performance.now();
    await wait();
    const restarting = performance.now();
    await shared.restart();
    await untilShared(shared.nodes);
    const recovered = performance.now();
    await wait();
    const completed = await calls.stop();
    const ended = performance.now();
    const times = { started, killing, killed, restarting, recovered, ended };
    const outage = compareWithLimits(shared.nodes, user.requestsPerMinute, completed, times);
    await compareWithDatabase(sql, user.userId, completed, outage);
    return outage;
  } finally {
    await calls.stop();
  }
}

interface Times {
  started: number;
  killing: number;
  killed: number;
  restarting: number;
  recovered: number;
  ended: number;
}

/** Counts the calls that passed in each state, and reports those beyond the guarantee. */
function compareWithLimits(
  nodes: readonly string[],
  limit: number,
  calls: readonly CompletedCall[],
  at: Times,
): RedisOutage {
  const differences: string[] = [];
  const share = Math.max(1, Math.floor(limit / nodes.length));
  const passed = (from: number, to: number, node?: string) =>
    calls.filter(
      (call) => call.sentAt >= from && call.completedAt <= to && call.status === 200 && (!node || call.node === node),
    ).length;
  const expectAtMost = (what: string, count: number, max: number) => {
    if (count > max) differences.push(`${what}: ${count} calls passed, at most ${max} may`);
  };
  const refill = (perMinute: number, milliseconds: number) => Math.ceil((perMinute * milliseconds) / 60_000);

  const before = passed(at.started, at.killing);
  expectAtMost('with Redis', before, limit + refill(limit, at.killing - at.started));
  const during = nodes.map((node) => passed(at.killed, at.restarting, node));
  for (const [i, count] of during.entries()) {
    expectAtMost(`without Redis, node ${i + 1}`, count, share + refill(share, at.restarting - at.killing));
  }
  // Until a node notices that Redis is back, its own bucket keeps refilling.
  const unnoticed = nodes.length * refill(share, at.recovered - at.restarting);
  const after = passed(at.restarting, at.ended);
  expectAtMost('after the restart of Redis', after, limit + refill(limit, at.ended - at.restarting) + unnoticed);
  const counts = {
    calls: calls.length,
    'limit per minute': limit,
    'passed with Redis': before,
    ...Object.fromEntries(during.map((count, i) => [`passed without Redis, node ${i + 1}`, count])),
    'passed after the restart': after,
    'passed in total': calls.filter(({ status }) => status === 200).length,
    rejected: calls.filter(({ status }) => status === 429).length,
  };
  return { counts, differences };
}

/** Requires each call to be recorded, with the quota units that it took. */
async function compareWithDatabase(
  sql: Sql,
  userId: string,
  calls: readonly CompletedCall[],
  outage: RedisOutage,
): Promise<void> {
  const events = await listEvents(sql, userId);
  const count = (status: number) => calls.filter((call) => call.status === status).length;
  const expectEqual = (what: string, one: number, other: number) => {
    if (one !== other) outage.differences.push(`${what}: ${one} and ${other}`);
  };
  expectEqual('calls and those passed or rejected', calls.length, count(200) + count(429));
  expectEqual('calls and events', calls.length, events.length);
  expectEqual('rejected calls and their events', count(429), events.filter(({ status }) => status === 429).length);
  const units = events.reduce((sum, event) => sum + event.units, 0);
  expectEqual('passed calls and quota units of the day', count(200), units);
  for (const name of await listDailyDifferences(sql, userId))
    outage.differences.push(`daily totals and events: ${name}`);
  outage.counts['recorded quota units'] = units;
}

function callUntilStopped(nodes: readonly string[], apiKey: string) {
  const agent = new Agent({ keepAlive: true });
  const completed: CompletedCall[] = [];
  let isStopped = false;
  const caller = async (node: string) => {
    while (!isStopped) {
      const sentAt = performance.now();
      const { status } = await sendRequest(agent, node, apiKey, { method: 'GET', path: '/api/v1/user/me' });
      completed.push({ node, sentAt, completedAt: performance.now(), status });
      await delay(PAUSE_MS);
    }
  };
  const callers = Promise.all(nodes.flatMap((node) => Array.from({ length: CALLERS_PER_NODE }, () => caller(node))));
  callers.catch(() => undefined);
  return {
    async stop(): Promise<CompletedCall[]> {
      isStopped = true;
      await callers.finally(() => agent.destroy());
      return completed;
    },
  };
}

/** Waits until each node reports that its limiter uses Redis. */
async function untilShared(nodes: readonly string[]): Promise<void> {
  for (const node of nodes) {
    for (;;) {
      const { limiter } = (await (await fetch(`${node}/ready`)).json()) as { limiter: string };
      if (limiter === 'redis') break;
      await delay(20);
    }
  }
}
