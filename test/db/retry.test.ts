import { connect } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { memoizeAsync } from '../../db/client/memoize-async.ts';
import { isConnectionLost, retry, retryTransient } from '../../db/client/retry.ts';

const deadlock = () => Object.assign(new Error('deadlock detected'), { code: '40P01' });

/** Returns work that fails `failures` times, then returns its number of calls. */
function failing(failures: number, makeError: (call: number) => Error) {
  let calls = 0;
  return {
    calls: () => calls,
    work: async () => {
      calls++;
      if (calls <= failures) throw makeError(calls);
      return calls;
    },
  };
}

describe('retry', () => {
  it('repeats work until it succeeds and passes each error with its attempt', async () => {
    const { work } = failing(2, (call) => new Error(`failure ${call}`));
    const failures: string[] = [];
    const pauseMs = (error: unknown, attempt: number) => {
      failures.push(`${attempt}: ${(error as Error).message}`);
      return 1;
    };
    expect(await retry(work, pauseMs)).toBe(3);
    expect(failures).toEqual(['1: failure 1', '2: failure 2']);
  });

  it('throws the error for which there is no pause', async () => {
    const { work, calls } = failing(9, (call) => new Error(`failure ${call}`));
    await expect(retry(work, (_, attempt) => (attempt < 2 ? 0 : undefined))).rejects.toThrow('failure 2');
    expect(calls()).toBe(2);
  });

  it('stops pausing when its signal aborts', async () => {
    const stopping = new AbortController();
    const { work, calls } = failing(9, () => new Error('down'));
    const pending = retry(work, () => 60_000, stopping.signal);
    stopping.abort();
    await expect(pending).rejects.toThrow(/abort/i);
    expect(calls()).toBe(1);
  });
});

describe('retryTransient', () => {
  it('tries three times after a deadlock', async () => {
    expect(await retryTransient(failing(2, deadlock).work)).toBe(3);
    const { work, calls } = failing(3, deadlock);
    await expect(retryTransient(work)).rejects.toThrow('deadlock detected');
    expect(calls()).toBe(3);
  });

  it('does not retry other errors', async () => {
    const { work, calls } = failing(1, () => new Error('syntax error'));
    await expect(retryTransient(work)).rejects.toThrow('syntax error');
    expect(calls()).toBe(1);
  });
});

describe('memoizeAsync', () => {
  it('runs once and returns the same promise to every call, a failed one too', async () => {
    const { work, calls } = failing(1, () => new Error('failed'));
    const memoized = memoizeAsync(work);
    const first = memoized();
    expect(memoized()).toBe(first);
    await expect(first).rejects.toThrow('failed');
    await expect(memoized()).rejects.toThrow('failed');
    expect(calls()).toBe(1);
  });
});

describe('lost connection', () => {
  it('is recognized where the Unix socket is gone, which fails with another code than TCP', async () => {
    const socket = connect(join(import.meta.dirname, 'no-such-socket'));
    const error = await new Promise((resolve) => socket.once('error', resolve));
    expect(error).toMatchObject({ code: 'ENOENT' });
    expect(isConnectionLost(error)).toBe(true);
  });

  it('is not seen in the same code of a file', () => {
    expect(isConnectionLost(Object.assign(new Error('no such file'), { code: 'ENOENT', syscall: 'open' }))).toBe(false);
  });
});
