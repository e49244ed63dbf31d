import { setImmediate as nextTurn } from 'node:timers/promises';
import { isConnectionLost, isDiskFull, isOverloaded } from '../../db/client/retry.ts';
import type { UsageEvent } from '../../db/queries/usage/events.ts';

/** Records usage events of requests that write nothing else, those of many callers in one statement. */
export interface Recorder {
  /** Resolves when the event is durable, or held while the disk is full; rejects when it could not be written. */
  record(event: UsageEvent): Promise<void>;
  /** Writes the held events, as far as that is possible now. */
  flush(): Promise<void>;
}

interface Waiting {
  event: UsageEvent;
  resolve: () => void;
  reject: (error: unknown) => void;
}

const GROUP_MAX = 1_000;
/** Events that are held in memory while the disk is full, about 400 bytes each. Further requests are rejected. */
const HELD_MAX = 50_000;
const RETRY_HELD_MS = 1_000;

/**
 * Commits usage events in groups, without a timer: the events of one turn of the event loop are written at its end, and those that
 * arrive during a write form the next group. A caller waits for its own write, so every acknowledged request is recorded.
 *
 * While the disk of the database is full, reads go on: their events are held in memory and written once there is space. Only a process
 * that ends before that loses them.
 * @param insert writes a group atomically, in one statement
 */
export function groupRecorder(insert: (events: readonly UsageEvent[]) => Promise<void>): Recorder {
  let waiting: Waiting[] = [];
  let writing = false;
  let held: UsageEvent[] = [];
  let flushing: Promise<void> | undefined;
  let retry: NodeJS.Timeout | undefined;

  async function writeAll(): Promise<void> {
    writing = true;
    while (waiting.length > 0) {
      await nextTurn();
      const group = waiting.slice(0, GROUP_MAX);
      waiting = waiting.slice(GROUP_MAX);
      await writeGroup(group);
    }
    writing = false;
  }

  async function writeGroup(group: Waiting[]): Promise<void> {
    try {
      await insert(group.map((entry) => entry.event));
      for (const entry of group) entry.resolve();
    } catch (error) {
      if (isDiskFull(error) && held.length + group.length <= HELD_MAX) hold(group);
      else if (group.length === 1 || isGeneral(error)) for (const entry of group) entry.reject(error);
      // One invalid event (its account was just deleted) must not fail the others.
      else for (const entry of group) await writeGroup([entry]);
    }
  }

  function hold(group: readonly Waiting[]): void {
    held.push(...group.map(({ event }) => event));
    for (const entry of group) entry.resolve();
    retryLater();
  }

  function retryLater(): void {
    clearTimeout(retry);
    retry = setTimeout(() => void flush(), RETRY_HELD_MS).unref();
  }

  function flush(): Promise<void> {
    flushing ??= writeHeld().finally(() => {
      flushing = undefined;
    });
    return flushing;
  }

  async function writeHeld(): Promise<void> {
    while (held.length > 0) {
      const group = held.slice(0, GROUP_MAX);
      try {
        await insert(group);
      } catch (error) {
        if (isGeneral(error)) return retryLater();
        // An event of an account that was deleted meanwhile is dropped.
        for (const event of group) await insert([event]).catch(() => undefined);
      }
      held = held.slice(group.length);
    }
  }

  return {
    flush,
    record(event) {
      return new Promise((resolve, reject) => {
        waiting.push({ event, resolve, reject });
        if (!writing) void writeAll();
      });
    },
  };
}

/** Returns true for an error that every event of the group would get. */
function isGeneral(error: unknown): boolean {
  return isConnectionLost(error) || isOverloaded(error) || isDiskFull(error);
}
