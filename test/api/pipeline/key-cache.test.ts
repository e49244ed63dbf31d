import { describe, expect, it } from 'vitest';
import { keyCache } from '../../../api/pipeline/key-cache.ts';
import type { KeyOwnerRow } from '../../../db/queries/accounts/api-keys.ts';

const hashOf = (text: string) => Buffer.from(text);

function ownerOf(key: string, userId = 'ada'): KeyOwnerRow {
  const never = { expires_at: null, revoked_at: null, last_used_at: null };
  const rest = { scopes: [], rpm_limit: null, plan: 'pro', status: 'active', overrides: {} } as const;
  return { user_id: userId, key_id: key, ...never, ...rest, scopes: [] };
}

/** A cache over lookups that answer when told to, with a clock of its own. */
function scene() {
  const open: { key: string; answer: (owner: KeyOwnerRow | undefined) => void }[] = [];
  let lookups = 0;
  let time = 0;
  const cache = keyCache(
    (hash) => {
      lookups++;
      return new Promise((answer) => open.push({ key: hash.toString(), answer }));
    },
    () => time,
  );
  const answerAll = (userId?: string) => {
    for (const { key, answer } of open.splice(0)) answer(ownerOf(key, userId));
  };
  /** Lookups that one more call costs. */
  const cost = async (key: string, userId?: string) => {
    const before = lookups;
    const found = cache.find(hashOf(key));
    answerAll(userId);
    await found;
    return lookups - before;
  };
  return {
    cache,
    cost,
    answerAll,
    open,
    pass: (ms: number) => {
      time += ms;
    },
  };
}

describe('what a key stands for', () => {
  it('is remembered for five seconds from when it was asked for, while changes are heard', async () => {
    const { cache, cost, pass, answerAll } = scene();
    cache.onListening();
    expect([await cost('k'), await cost('k')]).toEqual([1, 0]);
    pass(4_999);
    expect(await cost('k')).toBe(0);
    pass(1);
    expect([await cost('k'), await cost('k')]).toEqual([1, 0]);
    const slow = cache.find(hashOf('slow'));
    pass(4_000);
    answerAll();
    await slow;
    expect(await cost('slow')).toBe(0);
    pass(1_000);
    expect(await cost('slow')).toBe(1);
  });

  it('is never remembered before changes are heard, nor after they are not, until they are again', async () => {
    const { cache, cost } = scene();
    expect([await cost('k'), await cost('k')]).toEqual([1, 1]);
    cache.onListening();
    expect([await cost('k'), await cost('k')]).toEqual([1, 0]);
    cache.onLost();
    expect([await cost('k'), await cost('k')]).toEqual([1, 1]);
    cache.onListening();
    expect([await cost('k'), await cost('k')]).toEqual([1, 0]);
  });

  it('is asked for again after a change of its user, and of no other', async () => {
    const { cache, cost } = scene();
    cache.onListening();
    for (const [key, user] of [
      ['a1', 'ada'],
      ['a2', 'ada'],
      ['b', 'bob'],
    ] as const)
      await cost(key, user);
    cache.onChange('ada');
    expect([await cost('a1', 'ada'), await cost('a2', 'ada'), await cost('b', 'bob')]).toEqual([1, 1, 0]);
  });

  it.each([
    ['a change', (cache: ReturnType<typeof keyCache>) => cache.onChange('ada')],
    [
      'a change of a user whom the lookup has not named yet',
      (cache: ReturnType<typeof keyCache>) => cache.onChange('?'),
    ],
    ['a loss', (cache: ReturnType<typeof keyCache>) => cache.onLost()],
    [
      'a loss and a return',
      (cache: ReturnType<typeof keyCache>) => {
        cache.onLost();
        cache.onListening();
      },
    ],
  ])('is not remembered when %s came between the question and its answer', async (_, happen) => {
    const { cache, cost, answerAll } = scene();
    cache.onListening();
    const found = cache.find(hashOf('k'));
    happen(cache);
    answerAll();
    await found;
    expect(await cost('k')).toBe(1);
  });

  it('is not remembered when there is no such key, nor once it is forgotten', async () => {
    const { cache, open, cost } = scene();
    cache.onListening();
    const found = cache.find(hashOf('k'));
    open.splice(0)[0]?.answer(undefined);
    expect(await found).toBeUndefined();
    expect([cache.knows(hashOf('k')), await cost('k'), cache.knows(hashOf('k'))]).toEqual([false, 1, true]);
    cache.forget(hashOf('k'));
    expect([cache.knows(hashOf('k')), await cost('k')]).toEqual([false, 1]);
  });

  it('is remembered of 10,000 keys, those longest not read going first', async () => {
    const { cache, cost } = scene();
    cache.onListening();
    for (let i = 0; i <= 10_000; i++) await cost(`k${i}`);
    expect([cache.knows(hashOf('k0')), cache.knows(hashOf('k1')), cache.knows(hashOf('k10000'))]).toEqual([
      false,
      true,
      true,
    ]);
  });
});

it('a key that was good once stays known when it must be looked up again', async () => {
  const { cache, cost } = scene();
  await cost('k');
  cache.onListening();
  cache.onChange('ada');
  cache.onLost();
  expect(cache.knows(hashOf('k'))).toBe(true);
});
