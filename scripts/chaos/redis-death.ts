import { Agent } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import type { Sql } from '../../db/client/sql.ts';
import { listDailyDifferences, listEvents } from '../../db/queries/usage/consistency-checks.ts';
import { send } from './send.ts';

/** Two nodes that share a Redis and a database, each told that there are two. */
export interface SharedRedis {
  /** Addresses of the nodes. */
  nodes: readonly [string, string];
  kill(): Promise<void>;
  restart(): Promise<void>;
}

/** Who calls. The day's allowance must be beyond reach. */
export interface LimitedUser {
  userId: string;
  apiKey: string;
  requestsPerMinute: number;
}

export interface RedisDeath {
  counts: Record<string, number>;
  /** A sentence each. Empty where no more passed than `docs/decisions/0018` promises, and what passed is on record. */
  differences: string[];
}

/** A call, by the milliseconds of its beginning and end. */
interface Made {
  node: string;
  sent: number;
  answered: number;
  status: number;
}

const CALLERS_PER_NODE = 4;
const PAUSE_MS = 5;

/**
 * Calls both nodes without end while Redis answers, kills it, starts it again empty, and holds what passed against what is
 * promised: together a minute's allowance while Redis answers, half of it on each node while it is away.
 * @param seconds how long each of the three states lasts
 * @param sql as the owner
 */
export async function killRedisUnderLoad(
  shared: SharedRedis,
  user: LimitedUser,
  sql: Sql,
  seconds: number,
  signal?: AbortSignal,
): Promise<RedisDeath> {
  await untilShared(shared.nodes);
  const began = performance.now();
  const calls = callUntilStopped(shared.nodes, user.apiKey);
  const wait = () => delay(seconds * 1000, undefined, { signal });
  try {
    await wait();
    const killing = performance.now();
    await shared.kill();
    const dead = performance.now();
    await wait();
    const returning = performance.now();
    await shared.restart();
    await untilShared(shared.nodes);
    const healed = performance.now();
    await wait();
    const made = await calls.stop();
    const over = performance.now();
    const death = judge(shared.nodes, user.requestsPerMinute, made, { began, killing, dead, returning, healed, over });
    await compareRecord(sql, user.userId, made, death);
    return death;
  } finally {
    await calls.stop();
  }
}

interface Moments {
  began: number;
  killing: number;
  dead: number;
  returning: number;
  healed: number;
  over: number;
}

/** Counts what passed in each state and names what passed beyond its promise. */
function judge(nodes: readonly string[], limit: number, made: readonly Made[], at: Moments): RedisDeath {
  const differences: string[] = [];
  const share = Math.max(1, Math.floor(limit / nodes.length));
  const passed = (from: number, to: number, node?: string) =>
    made.filter((one) => one.sent >= from && one.answered <= to && one.status === 200 && (!node || one.node === node))
      .length;
  const within = (what: string, count: number, most: number) => {
    if (count > most) differences.push(`${what}: ${count} calls passed, at most ${most} may`);
  };
  const refill = (perMinute: number, milliseconds: number) => Math.ceil((perMinute * milliseconds) / 60_000);

  const before = passed(at.began, at.killing);
  within('while Redis answers', before, limit + refill(limit, at.killing - at.began));
  const during = nodes.map((node) => passed(at.dead, at.returning, node));
  for (const [i, count] of during.entries()) {
    within(`while Redis is away, node ${i + 1}`, count, share + refill(share, at.returning - at.killing));
  }
  // Until a node notices that Redis is back, its own share goes on filling.
  const unnoticed = nodes.length * refill(share, at.healed - at.returning);
  const after = passed(at.returning, at.over);
  within('when Redis is back', after, limit + refill(limit, at.over - at.returning) + unnoticed);
  const counts = {
    calls: made.length,
    'a minute allows': limit,
    'passed while Redis answered': before,
    ...Object.fromEntries(during.map((count, i) => [`passed without it, node ${i + 1}`, count])),
    'passed since it was back': after,
    'passed in all': made.filter(({ status }) => status === 200).length,
    refused: made.filter(({ status }) => status === 429).length,
  };
  return { counts, differences };
}

/** Each call is on record, and takes of the day what it took in truth. */
async function compareRecord(sql: Sql, userId: string, made: readonly Made[], death: RedisDeath): Promise<void> {
  const events = await listEvents(sql, userId);
  const count = (status: number) => made.filter((one) => one.status === status).length;
  const same = (what: string, one: number, other: number) => {
    if (one !== other) death.differences.push(`${what}: ${one} and ${other}`);
  };
  same('calls and those passed or refused', made.length, count(200) + count(429));
  same('calls and events', made.length, events.length);
  same('refusals and their events', count(429), events.filter(({ status }) => status === 429).length);
  const units = events.reduce((sum, event) => sum + event.units, 0);
  same('passed calls and units of the day', count(200), units);
  for (const name of await listDailyDifferences(sql, userId))
    death.differences.push(`daily totals and events: ${name}`);
  death.counts['units on record'] = units;
}

function callUntilStopped(nodes: readonly string[], apiKey: string) {
  const agent = new Agent({ keepAlive: true });
  const made: Made[] = [];
  let over = false;
  const caller = async (node: string) => {
    while (!over) {
      const sent = performance.now();
      const { status } = await send(agent, node, apiKey, { method: 'GET', path: '/api/v1/user/me' });
      made.push({ node, sent, answered: performance.now(), status });
      await delay(PAUSE_MS);
    }
  };
  const callers = Promise.all(nodes.flatMap((node) => Array.from({ length: CALLERS_PER_NODE }, () => caller(node))));
  callers.catch(() => undefined);
  return {
    async stop(): Promise<Made[]> {
      over = true;
      await callers.finally(() => agent.destroy());
      return made;
    },
  };
}

/** Waits until each node says that it counts in Redis. */
async function untilShared(nodes: readonly string[]): Promise<void> {
  for (const node of nodes) {
    for (;;) {
      const { limiter } = (await (await fetch(`${node}/ready`)).json()) as { limiter: string };
      if (limiter === 'redis') break;
      await delay(20);
    }
  }
}
