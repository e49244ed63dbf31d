import { fork } from 'node:child_process';
import { once } from 'node:events';
import { programOf } from '../program.ts';

export interface LoadResult {
  perSecond: number;
  p50Ms: number;
  p95Ms: number;
  /** Answers that were not expected; a benchmark with any is worth nothing. */
  failed: number;
}

/** What is sent. Each connection is one caller's. */
export interface Target {
  method: string;
  callers: { url: string; headers: Record<string, string> }[];
  /** Taken in turn; `{new}` in one becomes something else in each request. */
  bodies?: string[];
  expect: number;
}

export interface Load {
  target: Target;
  connections: number;
  milliseconds: number;
}

/**
 * Sends requests over `connections` kept-alive connections of loopback for a while, and tells how fast the answers came. In a
 * process of its own: what sends must not take the time of what answers.
 */
export async function load(target: Target, connections: number, milliseconds: number): Promise<LoadResult> {
  const { file, ...program } = programOf('scripts/bench/load-sender');
  const sender = fork(file, program);
  const answer = once(sender, 'message') as Promise<[LoadResult]>;
  const ended = once(sender, 'exit').then(() => Promise.reject(new Error('the sender of the load ended')));
  sender.send({ target, connections, milliseconds } satisfies Load);
  const [result] = await Promise.race([answer, ended]);
  ended.catch(() => undefined);
  sender.disconnect();
  return result;
}
