import { afterEach, expect, it, vi } from 'vitest';
import { newId } from '../../api/ids.ts';

const UUID_V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

afterEach(() => {
  vi.useRealTimers();
});

it('newId returns different UUIDs of version 7 in ascending order', () => {
  const ids = Array.from({ length: 10_000 }, newId);
  expect(ids.filter((id) => !UUID_V7.test(id))).toEqual([]);
  expect([...ids].sort()).toEqual(ids);
  expect(new Set(ids).size).toBe(ids.length);
  expect(Math.abs(Date.now() - Number.parseInt((ids.at(-1) as string).replace('-', '').slice(0, 12), 16))).toBeLessThan(
    5_000,
  );
});

it('newId ascends also when the clock is set back', () => {
  const before = newId();
  vi.useFakeTimers({ now: Date.now() - 60_000 });
  expect(newId() > before).toBe(true);
});

it('newId uses new random bits for every id', () => {
  const tails = Array.from({ length: 1_000 }, () => newId().slice(-11));
  expect(new Set(tails).size).toBe(tails.length);
});
