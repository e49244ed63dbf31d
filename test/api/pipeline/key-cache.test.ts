import { describe, expect, it } from 'vitest';
import { keyCache } from '../../../api/pipeline/key-cache.ts';
import type { KeyOwnerRow } from '../../../db/queries/accounts/api-keys.ts';

const hashOf = (text: string) => Buffer.from(text);

function ownerOf(key: string, userId = 'ada'): KeyOwnerRow {
  const never = { client_id: null, expires_at: null, revoked_at: null, last_used_at: null };
  const rest = { scopes: [], projects: null, rpm_limit: null, plan: 'pro', status: 'active', overrides: {} } as const;
  return { user_id: userId, key_id: key, ...never, ...rest, scopes: [] };
}

/** Creates a cache with lookups that the test resolves, and a manual clock. */
function setUp() {
  const pending: { key: string; resolve: (owner: KeyOwnerRow | undefined) => void }[] = [];
  let lookups = 0;
  let time = 0;
  const cache = keyCache(
    (hash) => {
      lookups++;
      return new Promise((resolve) => pending.push({ key: hash.toString(), resolve }));
    },
    () => time,
  );
  const resolveAll = (userId?: string) => {
    for (const { key, resolve } of pending.splice(0)) resolve(ownerOf(key, userId));
  };
  /** Returns the number of lookups that one call needs. */
  const lookupsOf = async (key: string, userId?: string) => {
    const before = lookups;
    const found = cache.find(hashOf(key));
    resolveAll(userId);
    await found;
    return lookups - before;
  };
  return {
    cache,
    lookupsOf,
    resolveAll,
    pending,
    pass: (ms: number) => {
      time += ms;
    },
  };
}

describe('key cache', () => {
  it('keeps an owner for five seconds from the start of the lookup while it is listening', async () => {
    const { cache, lookupsOf, pass, resolveAll } = setUp();
    cache.onListening();
    expect([await lookupsOf('k'), await lookupsOf('k')]).toEqual([1, 0]);
    pass(4_999);
    expect(await lookupsOf('k')).toBe(0);
    pass(1);
    expect([await lookupsOf('k'), await lookupsOf('k')]).toEqual([1, 0]);
    const slow = cache.find(hashOf('slow'));
    pass(4_000);
    resolveAll();
    await slow;
    expect(await lookupsOf('slow')).toBe(0);
    pass(1_000);
    expect(await lookupsOf('slow')).toBe(1);
  });

  it('caches nothing while it is not listening', async () => {
    const { cache, lookupsOf } = setUp();
    expect([await lookupsOf('k'), await lookupsOf('k')]).toEqual([1, 1]);
    cache.onListening();
    expect([await lookupsOf('k'), await lookupsOf('k')]).toEqual([1, 0]);
    cache.onLost();
    expect([await lookupsOf('k'), await lookupsOf('k')]).toEqual([1, 1]);
    cache.onListening();
    expect([await lookupsOf('k'), await lookupsOf('k')]).toEqual([1, 0]);
  });

  it('looks up the keys of a changed user again, and of no other', async () => {
    const { cache, lookupsOf } = setUp();
    cache.onListening();
    for (const [key, user] of [
      ['a1', 'ada'],
      ['a2', 'ada'],
      ['b', 'bob'],
    ] as const)
      await lookupsOf(key, user);
    cache.onChange('ada');
    expect([await lookupsOf('a1', 'ada'), await lookupsOf('a2', 'ada'), await lookupsOf('b', 'bob')]).toEqual([
      1, 1, 0,
    ]);
  });

  it.each([
    ['a change', (cache: ReturnType<typeof keyCache>) => cache.onChange('ada')],
    ['a change of an unknown user', (cache: ReturnType<typeof keyCache>) => cache.onChange('?')],
    ['a lost connection', (cache: ReturnType<typeof keyCache>) => cache.onLost()],
    [
      'a lost and restored connection',
      (cache: ReturnType<typeof keyCache>) => {
        cache.onLost();
        cache.onListening();
      },
    ],
  ])('does not cache a lookup during which there is %s', async (_, interfere) => {
    const { cache, lookupsOf, resolveAll } = setUp();
    cache.onListening();
    const found = cache.find(hashOf('k'));
    interfere(cache);
    resolveAll();
    await found;
    expect(await lookupsOf('k')).toBe(1);
  });

  it('caches no unknown key and no forgotten one', async () => {
    const { cache, pending, lookupsOf } = setUp();
    cache.onListening();
    const found = cache.find(hashOf('k'));
    pending.splice(0)[0]?.resolve(undefined);
    expect(await found).toBeUndefined();
    expect([cache.knows(hashOf('k')), await lookupsOf('k'), cache.knows(hashOf('k'))]).toEqual([false, 1, true]);
    cache.forget(hashOf('k'));
    expect([cache.knows(hashOf('k')), await lookupsOf('k')]).toEqual([false, 1]);
  });

  it('keeps 10,000 keys and evicts the least recently used', async () => {
    const { cache, lookupsOf } = setUp();
    cache.onListening();
    for (let i = 0; i <= 10_000; i++) await lookupsOf(`k${i}`);
    expect([cache.knows(hashOf('k0')), cache.knows(hashOf('k1')), cache.knows(hashOf('k10000'))]).toEqual([
      false,
      true,
      true,
    ]);
  });
});

it('key cache keeps knowing a key that must be looked up again', async () => {
  const { cache, lookupsOf } = setUp();
  await lookupsOf('k');
  cache.onListening();
  cache.onChange('ada');
  cache.onLost();
  expect(cache.knows(hashOf('k'))).toBe(true);
});
