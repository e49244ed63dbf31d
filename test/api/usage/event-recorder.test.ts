import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { groupRecorder } from '../../../api/usage/event-recorder.ts';
import type { UsageEvent } from '../../../db/queries/usage/events.ts';

const event = (id: string) => ({ id }) as UsageEvent;

/** Creates a recorder whose writes the test ends. */
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

describe('event recorder', () => {
  it('writes the events of one turn together, and those that arrive during a write in the next group', async () => {
    const { writes, record } = recorder();
    const first = [record('a'), record('b')];
    expect(writes).toEqual([]);
    await nextTurn();
    await nextTurn();
    const second = [record('c'), record('d')];
    await nextTurn();
    await nextTurn();
    expect(writes.map(({ ids }) => ids)).toEqual([['a', 'b']]);
    writes[0]?.end();
    await Promise.all(first);
    await nextTurn();
    await nextTurn();
    expect(writes.map(({ ids }) => ids)).toEqual([
      ['a', 'b'],
      ['c', 'd'],
    ]);
    writes[1]?.end();
    await Promise.all(second);
    void record('e');
    await nextTurn();
    await nextTurn();
    expect(writes.at(-1)?.ids).toEqual(['e']);
  });

  it('retries the events of a failed group one by one and settles each separately', async () => {
    const { writes, record } = recorder();
    const recorded = ['a', 'b', 'c'].map(record);
    const settled = Promise.allSettled(recorded);
    for (const failure of [new Error('the group'), undefined, new Error('b is bad'), undefined]) {
      await nextTurn();
      await nextTurn();
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
