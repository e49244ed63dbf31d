import { expect, it } from 'vitest';
import { UnknownOutcomeError } from '../../db/client/retry.ts';
import { createFlushTogether } from '../../db/client/shared-flush.ts';

/** Like `Promise.withResolvers`, which Node 20 does not have. */
function withResolvers() {
  let [resolve, reject]: [() => void, (error: Error) => void] = [() => {}, () => {}];
  const promise = new Promise<void>((...settle) => {
    [resolve, reject] = settle;
  });
  return { promise, resolve, reject };
}

/** A flush that each test ends itself. */
function manualFlush() {
  const flushes: ReturnType<typeof withResolvers>[] = [];
  const flush = () => {
    const started = withResolvers();
    flushes.push(started);
    return started.promise;
  };
  return { flushes, together: createFlushTogether(flush) };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

it('shared flush › is not needed by a write alone, which waits for its own commit', async () => {
  const { flushes, together } = manualFlush();
  expect(await together(async (commitsBeforeFlush) => commitsBeforeFlush())).toBe(false);
  expect(flushes).toEqual([]);
});

it('shared flush › is one for the writes that committed before it began, and the next for later ones', async () => {
  const { flushes, together } = manualFlush();
  const commit = withResolvers();
  const late = withResolvers();
  const returned: string[] = [];
  const write = (name: string, committed: Promise<void>) =>
    together(async (commitsBeforeFlush) => {
      await committed;
      return commitsBeforeFlush();
    }).then((before) => returned.push(`${name} ${before}`));
  // The fourth stays, so that none is the last.
  const writes = [write('a', commit.promise), write('b', commit.promise), write('c', late.promise)];
  const last = withResolvers();
  const fourth = write('d', last.promise);
  commit.resolve();
  await turn();
  expect([flushes.length, returned]).toEqual([1, []]);
  late.resolve();
  await turn();
  // The flush under way may have passed the commit of the third.
  expect(flushes).toHaveLength(1);
  flushes[0]?.resolve();
  await turn();
  expect([flushes.length, returned]).toEqual([2, ['a true', 'b true']]);
  flushes[1]?.resolve();
  await Promise.all(writes);
  last.resolve();
  await fourth;
  expect(returned).toEqual(['a true', 'b true', 'c true', 'd false']);
});

it('shared flush › that fails leaves the outcome of its writes unknown, and the next one works', async () => {
  const { flushes, together } = manualFlush();
  const commit = withResolvers();
  const write = (until: Promise<void>) =>
    together(async (commitsBeforeFlush) => {
      await until;
      commitsBeforeFlush();
    });
  const results = Promise.allSettled([write(commit.promise), write(commit.promise)]);
  const late = withResolvers();
  const others = Promise.allSettled([write(late.promise), write(late.promise)]);
  commit.resolve();
  await turn();
  flushes[0]?.reject(new Error('Connection terminated'));
  const outcomes = await results;
  expect(outcomes.map((one) => one.status === 'rejected' && one.reason)).toEqual([
    expect.any(UnknownOutcomeError),
    expect.any(UnknownOutcomeError),
  ]);
  late.resolve();
  await turn();
  flushes[1]?.resolve();
  // The last of all waits for its own commit.
  expect((await others).map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled']);
});
