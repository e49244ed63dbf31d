import { AsyncResource } from 'node:async_hooks';

/** Executes a group, and returns the outcome of each item in their order. Does not throw. */
type Execute<Item, Result> = (items: readonly Item[]) => Promise<readonly PromiseSettledResult<Result>[]>;

/**
 * Executes an item, or puts it into a group with those of the same key that arrive while others of the key are executed.
 * @param key items of one key are of one type, and executed one group after the other
 */
export type GroupConcurrent = <Item, Result>(
  key: string,
  item: Item,
  execute: Execute<Item, Result>,
) => Promise<Result>;

/** The most items of a group. */
const SIZE_MAX = 16;

interface Waiting<Item, Result> {
  item: Item;
  /** Executes a group as work of the call that brought this item, so that traces show it there. */
  execute: Execute<Item, Result>;
  settle: (outcome: PromiseSettledResult<Result>) => void;
}

/**
 * Creates a {@link GroupConcurrent}. An item that comes alone is executed at once, as a group of one; groups grow only as far as items
 * arrive faster than they are executed.
 */
export function createGroupConcurrent(): GroupConcurrent {
  const queues = new Map<string, Waiting<unknown, unknown>[]>();

  /** Executes the queue of a key in groups until it is empty. */
  const drain = async <Item, Result>(key: string, queue: Waiting<Item, Result>[]) => {
    while (queue.length > 0) {
      const group = queue.splice(0, SIZE_MAX);
      const [{ execute }] = group as [Waiting<Item, Result>];
      const outcomes = await execute(group.map(({ item }) => item));
      // Before the items are settled: one that arrives in response to that starts a queue of its own.
      if (queue.length === 0) queues.delete(key);
      for (const [place, { settle }] of group.entries()) settle(outcomes[place] as PromiseSettledResult<Result>);
    }
  };

  return <Item, Result>(key: string, item: Item, execute: Execute<Item, Result>) =>
    new Promise<Result>((resolve, reject) => {
      const settle = (outcome: PromiseSettledResult<Result>) =>
        outcome.status === 'fulfilled' ? resolve(outcome.value) : reject(outcome.reason);
      const waiting = { item, execute: AsyncResource.bind(execute), settle };
      const queue = queues.get(key) as Waiting<Item, Result>[] | undefined;
      if (queue) {
        queue.push(waiting);
        return;
      }
      const started = [waiting];
      queues.set(key, started as unknown as Waiting<unknown, unknown>[]);
      void drain(key, started);
    });
}
