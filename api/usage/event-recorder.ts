import { setImmediate as nextTurn } from 'node:timers/promises';
import type { UsageEvent } from '../../db/queries/usage/events.ts';

/** Records usage events of requests that write nothing else, those of many callers in one statement. */
export interface Recorder {
  /** Resolves when the event is durable; rejects when it could not be written. */
  record(event: UsageEvent): Promise<void>;
}

interface Waiting {
  event: UsageEvent;
  resolve: () => void;
  reject: (error: unknown) => void;
}

const GROUP_MAX = 1_000;

/**
 * Commits usage events in groups, without a timer: the events of one turn of the event loop are written at its end, and those that
 * arrive during a write form the next group. A caller waits for its own write, so every acknowledged request is recorded.
 * @param insert writes a group atomically, in one statement
 */
export function groupRecorder(insert: (events: readonly UsageEvent[]) => Promise<void>): Recorder {
  let waiting: Waiting[] = [];
  let writing = false;

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
      if (group.length === 1) group[0]?.reject(error);
      // One invalid event (its account was just deleted) must not fail the others.
      else for (const entry of group) await writeGroup([entry]);
    }
  }

  return {
    record(event) {
      return new Promise((resolve, reject) => {
        waiting.push({ event, resolve, reject });
        if (!writing) void writeAll();
      });
    },
  };
}
