import { fork } from 'node:child_process';
import { once } from 'node:events';
import { programOf } from '../program.ts';

export interface LoadResult {
  perSecond: number;
  p50Ms: number;
  p95Ms: number;
  /** Number of responses with an unexpected status; any makes the benchmark void. */
  failed: number;
}

/** The requests to send. Each connection belongs to one caller. */
export interface Target {
  method: string;
  callers: { url: string; headers: Record<string, string> }[];
  /** Sent in turn; `{new}` is replaced by a unique text in each request. */
  bodies?: string[];
  expect: number;
}

export interface Load {
  target: Target;
  connections: number;
  milliseconds: number;
}

/**
 * Sends requests over `connections` loopback connections for a while, and returns the throughput and latency. The sender is
 * a process of its own, so that it does not take CPU time from the service.
 */
export async function load(target: Target, connections: number, milliseconds: number): Promise<LoadResult> {
  const { file, ...program } = programOf('scripts/bench/load-sender');
  const sender = fork(file, program);
  const response = once(sender, 'message') as Promise<[LoadResult]>;
  const ended = once(sender, 'exit').then(() => Promise.reject(new Error('the load sender exited')));
  sender.send({ target, connections, milliseconds } satisfies Load);
  const [result] = await Promise.race([response, ended]);
  ended.catch(() => undefined);
  sender.disconnect();
  return result;
}
