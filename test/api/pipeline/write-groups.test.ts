import { AsyncLocalStorage } from 'node:async_hooks';
import { expect, it } from 'vitest';
import { createGroupConcurrent } from '../../../api/pipeline/write-groups.ts';

type Outcomes = PromiseSettledResult<string>[];

/** Executes groups when the test says so, and records them. */
function createExecutor() {
  const groups: string[][] = [];
  const releases: (() => void)[] = [];
  const execute = async (items: readonly string[]): Promise<Outcomes> => {
    groups.push([...items]);
    await new Promise<void>((resolve) => releases.push(resolve));
    return items.map((item) =>
      item.startsWith('bad')
        ? { status: 'rejected', reason: new Error(item) }
        : { status: 'fulfilled', value: item.toUpperCase() },
    );
  };
  const release = async () => {
    releases.shift()?.();
    await new Promise(setImmediate);
  };
  return { groups, execute, release };
}

it('write groups › execute what comes alone at once, and together what arrives meanwhile', async () => {
  const { groups, execute, release } = createExecutor();
  const run = createGroupConcurrent();
  const results = ['a', 'b', 'bad', 'c'].map((item) => run('key', item, execute));
  const other = run('other', 'z', execute);
  const settled = Promise.allSettled(results);
  expect(groups).toEqual([['a'], ['z']]);
  await release();
  expect(groups).toEqual([['a'], ['z'], ['b', 'bad', 'c']]);
  await release();
  await release();
  expect(await settled).toMatchObject([{ value: 'A' }, { value: 'B' }, { reason: new Error('bad') }, { value: 'C' }]);
  expect(await other).toBe('Z');
});

it('write groups › execute an item that arrives in response to the last one', async () => {
  const { groups, execute, release } = createExecutor();
  const run = createGroupConcurrent();
  const chained = run('key', 'a', execute).then(() => run('key', 'b', execute));
  await release();
  expect(groups).toEqual([['a'], ['b']]);
  await release();
  expect(await chained).toBe('B');
});

it('write groups › have at most sixteen items', async () => {
  const { groups, execute, release } = createExecutor();
  const run = createGroupConcurrent();
  const results = Array.from({ length: 20 }, (_, n) => run('key', `item ${n}`, execute));
  for (let n = 0; n < 3; n++) await release();
  await Promise.all(results);
  expect(groups.map(({ length }) => length)).toEqual([1, 16, 3]);
});

it('write groups › are work of the call whose item is their first', async () => {
  const calls = new AsyncLocalStorage<string>();
  const seen: [string | undefined, string[]][] = [];
  const execute = async (items: readonly string[]): Promise<Outcomes> => {
    seen.push([calls.getStore(), [...items]]);
    await new Promise(setImmediate);
    return items.map((value) => ({ status: 'fulfilled', value }));
  };
  const run = createGroupConcurrent();
  await Promise.all(['a', 'b', 'c'].map((item) => calls.run(`call ${item}`, () => run('key', item, execute))));
  expect(seen).toEqual([
    ['call a', ['a']],
    ['call b', ['b', 'c']],
  ]);
});
