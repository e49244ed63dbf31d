import { describe, expect, it } from 'vitest';
import { createClosers } from '../../api/closers.ts';

describe('closers', () => {
  it('run one after another, the last one added first', async () => {
    const closers = createClosers();
    const calls: string[] = [];
    closers.add(() => calls.push('first'));
    closers.add(async () => {
      await Promise.resolve();
      calls.push('second');
    });
    await closers.closeAll();
    expect(calls).toEqual(['second', 'first']);
  });

  it('run all of them when one fails, and report its error', async () => {
    const closers = createClosers();
    const calls: string[] = [];
    closers.add(() => calls.push('first'));
    closers.add(() => {
      throw new Error('second failed');
    });
    closers.add(() => calls.push('third'));
    await expect(closers.closeAll()).rejects.toThrow('second failed');
    expect(calls).toEqual(['third', 'first']);
  });

  it('run once', async () => {
    const closers = createClosers();
    let calls = 0;
    closers.add(() => calls++);
    await Promise.all([closers.closeAll(), closers.closeAll()]);
    expect(calls).toBe(1);
  });

  it('go on after one that is overdue, and report it', async () => {
    const overdue: number[] = [];
    const closers = createClosers({ onOverdue: (limitMs) => overdue.push(limitMs) });
    const calls: string[] = [];
    closers.add(() => calls.push('first'));
    closers.add(() => new Promise(() => undefined), 30);
    await closers.closeAll();
    expect({ calls, overdue }).toEqual({ calls: ['first'], overdue: [30] });
  });

  it('end in the time of all together, however many are overdue', async () => {
    const closers = createClosers({ totalMs: 200 });
    const calls: number[] = [];
    for (let n = 0; n < 3; n++) {
      closers.add(() => {
        calls.push(n);
        return new Promise(() => undefined);
      }, 60_000);
    }
    await closers.closeAll();
    expect(calls).toEqual([2, 1, 0]);
  });
});
