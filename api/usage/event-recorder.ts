import { setImmediate as turnsEnd } from 'node:timers/promises';
import type { UsageEvent } from '../../db/queries/usage/events.ts';

/** Writes usage events of calls that write nothing else, many callers' in one statement. */
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
 * Group commit without a timer: what one turn of the event loop brings is written at its end, and what arrives during a write
 * goes out together with the next. Each caller waits for its own write, so an answered call is a recorded one.
 * @param insert writes a group in one statement, all or none
 */
export function groupRecorder(insert: (events: readonly UsageEvent[]) => Promise<void>): Recorder {
  let waiting: Waiting[] = [];
  let writing = false;

  async function writeAll(): Promise<void> {
    writing = true;
    while (waiting.length > 0) {
      await turnsEnd();
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
      // One bad event (its account was just deleted) must not take the others with it.
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
