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
});
