import { type ChildProcess, fork } from 'node:child_process';
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

let sender: ChildProcess | undefined;

/**
 * Sends requests over `connections` loopback connections for a while, and returns the throughput and latency. The sender is
 * a process of its own, so that it does not take CPU time from the service. It is started at the first call, and ends with
 * this process.
 */
export async function load(target: Target, connections: number, milliseconds: number): Promise<LoadResult> {
  sender ??= startSender();
  const current = sender;
  const done = new AbortController();
  const options = { signal: done.signal };
  const response = once(current, 'message', options) as Promise<[LoadResult]>;
  const ended = once(current, 'exit', options).then(() => Promise.reject(new Error('the load sender exited')));
  hold(current, true);
  current.send({ target, connections, milliseconds } satisfies Load);
  try {
    const [result] = await Promise.race([response, ended]);
    return result;
  } finally {
    done.abort();
    await Promise.allSettled([response, ended]);
    hold(current, false);
  }
}

function startSender(): ChildProcess {
  const { file, ...program } = programOf('scripts/bench/load-sender');
  return fork(file, program);
}

/** Keeps this process alive while it waits for the sender, and no longer. */
function hold(child: ChildProcess, isWaiting: boolean): void {
  if (isWaiting) {
    child.ref();
    child.channel?.ref();
  } else {
    child.unref();
    child.channel?.unref();
  }
}
