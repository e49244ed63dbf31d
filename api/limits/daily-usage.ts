import { isOverloaded } from '../../db/client/retry.ts';
import { Problem } from '../errors.ts';
import { DAY_MS } from '../time.ts';

/** Returns the quota units recorded for a user and UTC day (`YYYY-MM-DD`), on all nodes together. */
export type ReadDayUnits = (userId: string, day: string) => Promise<number>;

/**
 * Coalesces concurrent reads of the same user and day into one. The day is given by its number.
 * @throws Problem `unavailable` or `overloaded` when the read fails for any reason: a request that cannot be counted cannot be metered either
 */
export function coalesceReads(read: ReadDayUnits): (userId: string, day: number) => Promise<number> {
  const inFlight = new Map<string, Promise<number>>();
  return (userId, day) => {
    const date = new Date(day * DAY_MS).toISOString().slice(0, 10);
    const key = `${userId} ${date}`;
    let reading = inFlight.get(key);
    if (!reading) {
      reading = read(userId, date)
        .catch((error: unknown) => {
          throw new Problem(
            isOverloaded(error) ? 'overloaded' : 'unavailable',
            { headers: { 'Retry-After': '2' } },
            error,
          );
        })
        .finally(() => inFlight.delete(key));
      inFlight.set(key, reading);
    }
    return reading;
  };
}
