import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { createFairSemaphore, type FairSemaphoreOptions, NoPermitError } from '../../db/client/fair-semaphore.ts';

/** A semaphore whose callers end when the test says so. */
function fixture(limits: Partial<FairSemaphoreOptions> = {}) {
  const semaphore = createFairSemaphore({ permits: 4, permitsPerTenant: 2, waitMs: 60_000, ...limits });
  const running: { tenant: string; end: () => void }[] = [];
  const started: string[] = [];
  const call = (tenant: string) =>
    semaphore.run(tenant, () => {
      started.push(tenant);
      return new Promise<void>((resolve) => running.push({ tenant, end: resolve }));
    });
  const endOne = async () => {
    running.shift()?.end();
    await nextTurn();
  };
  return { semaphore, running, started, call, endOne };
}

describe('fair semaphore', () => {
  it('lets one tenant hold its share only, and another start at once', async () => {
    const { call, started } = fixture();
    for (let n = 0; n < 100; n++) void call('flood');
    void call('quiet');
    await nextTurn();
    expect(started).toEqual(['flood', 'flood', 'quiet']);
  });

  it('serves waiting tenants in turn, and the callers of one in their order', async () => {
    const { call, started, endOne } = fixture({ permits: 1, permitsPerTenant: 1 });
    for (const tenant of ['a', 'a', 'a', 'a', 'b', 'b', 'c']) void call(tenant);
    for (let n = 0; n < 7; n++) await endOne();
    expect(started).toEqual(['a', 'a', 'b', 'c', 'a', 'b', 'a']);
  });

  it('runs all that wait when the share of a tenant grows', async () => {
    let share = 1;
    const { call, started, endOne } = fixture({ permitsPerTenant: () => share });
    for (let n = 0; n < 4; n++) void call('a');
    expect(started).toHaveLength(1);
    share = 3;
    await endOne();
    expect(started).toHaveLength(4);
  });

  it('holds no more permits than there are, whatever order callers come, fail and end in', async () => {
    const { semaphore } = fixture({ permits: 3 });
    let running = 0;
    let most = 0;
    const calls = Array.from({ length: 300 }, (_, n) =>
      semaphore.run(`tenant ${n % 7}`, async () => {
        most = Math.max(most, ++running);
        for (let turn = 0; turn < n % 4; turn++) await nextTurn();
        running--;
        if (n % 5 === 0) throw new Error('failed');
      }),
    );
    const ended = await Promise.allSettled(calls);
    expect(ended.filter(({ status }) => status === 'rejected')).toHaveLength(60);
    expect([most, running]).toEqual([3, 0]);
  });

  it('rejects a caller beyond the bound of those that wait, and says who holds the permits', async () => {
    const { call } = fixture({ waitingPerTenant: 3, waitingMax: 4 });
    const flood = Array.from({ length: 6 }, () => call('flood'));
    await expect(flood[5]).rejects.toMatchObject({ heldBy: 'tenant' });
    for (let n = 0; n < 2; n++) void call('other');
    void call('quiet');
    await expect(call('quiet')).rejects.toMatchObject({ heldBy: 'everybody' });
  });

  it('rejects a caller that waits too long, without running it', async () => {
    const { call, started, endOne } = fixture({ permits: 1, permitsPerTenant: 1, waitMs: 5 });
    void call('a');
    await expect(call('a')).rejects.toBeInstanceOf(NoPermitError);
    await expect(call('b')).rejects.toMatchObject({ heldBy: 'everybody' });
    await endOne();
    void call('b');
    expect(started).toEqual(['a', 'b']);
  });
});
