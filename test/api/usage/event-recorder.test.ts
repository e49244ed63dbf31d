import { setImmediate as turnsEnd } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { groupRecorder } from '../../../api/usage/event-recorder.ts';
import type { UsageEvent } from '../../../db/queries/usage/events.ts';

const event = (id: string) => ({ id }) as UsageEvent;

/** A recorder whose writes end when they are told to. */
function recorder() {
  const writes: { ids: string[]; end: (error?: Error) => void }[] = [];
  const { record } = groupRecorder(
    (events) =>
      new Promise((resolve, reject) => {
        const end = (error?: Error) => (error ? reject(error) : resolve());
        writes.push({ ids: events.map(({ id }) => id), end });
      }),
  );
  return { writes, record: (id: string) => record(event(id)) };
}

describe('the recorder', () => {
  it('writes what comes in one turn at its end, and what comes during a write with the next', async () => {
    const { writes, record } = recorder();
    const first = [record('a'), record('b')];
    expect(writes).toEqual([]);
    await turnsEnd();
    await turnsEnd();
    const second = [record('c'), record('d')];
    await turnsEnd();
    await turnsEnd();
    expect(writes.map(({ ids }) => ids)).toEqual([['a', 'b']]);
    writes[0]?.end();
    await Promise.all(first);
    await turnsEnd();
    await turnsEnd();
    expect(writes.map(({ ids }) => ids)).toEqual([
      ['a', 'b'],
      ['c', 'd'],
    ]);
    writes[1]?.end();
    await Promise.all(second);
    void record('e');
    await turnsEnd();
    await turnsEnd();
    expect(writes.at(-1)?.ids).toEqual(['e']);
  });

  it('tries the events of a group that failed one by one, and answers each by its own', async () => {
    const { writes, record } = recorder();
    const recorded = ['a', 'b', 'c'].map(record);
    const settled = Promise.allSettled(recorded);
    for (const failure of [new Error('the group'), undefined, new Error('b is bad'), undefined]) {
      await turnsEnd();
      await turnsEnd();
      writes.at(-1)?.end(failure);
    }
    expect(await settled).toMatchObject([
      { status: 'fulfilled' },
      { status: 'rejected', reason: { message: 'b is bad' } },
      { status: 'fulfilled' },
    ]);
    expect(writes.map(({ ids }) => ids)).toEqual([['a', 'b', 'c'], ['a'], ['b'], ['c']]);
  });
});
