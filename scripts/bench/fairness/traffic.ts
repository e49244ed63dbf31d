import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { programOf } from '../../program.ts';

/** A request. `{new}` in the body is replaced by a unique text. */
export interface Call {
  method: string;
  url: string;
  headers: Record<string, string>;
  body?: string;
}

/** Many tenants that each send a call at a fixed interval. */
export interface QuietTraffic {
  kind: 'quiet';
  /** The calls of each tenant, sent in turn. */
  tenants: Call[][];
  everyMs: number;
  milliseconds: number;
}

/** One tenant that sends the same calls as fast as they are answered. */
export interface HeavyTraffic {
  kind: 'heavy';
  calls: Call[];
  connections: number;
  milliseconds: number;
}

export interface TrafficResult {
  /** Milliseconds from when each call was due, so that a call that waits behind a slow one counts whole. */
  times: number[];
  /** Responses that are no success, by status. */
  rejected: Record<string, number>;
}

/** A process that sends one kind of traffic, so that it takes no time from the event loop of the service. */
export interface Sender {
  send(traffic: QuietTraffic | HeavyTraffic): Promise<TrafficResult>;
  stop(): void;
}

/** Starts a sender. It ends with this process. */
export function startSender(): Sender {
  const { file, ...program } = programOf('scripts/bench/fairness/sender');
  const child: ChildProcess = fork(file, program);
  return {
    async send(traffic) {
      const done = new AbortController();
      const exited = once(child, 'exit', { signal: done.signal }).then(() => {
        throw new Error('the sender exited');
      });
      exited.catch(() => undefined);
      child.send(traffic);
      const [result] = (await Promise.race([once(child, 'message'), exited])) as [TrafficResult];
      done.abort();
      return result;
    },
    stop: () => void child.kill(),
  };
}
