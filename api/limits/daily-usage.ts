import { Problem } from '../errors.ts';
import { DAY_MS } from '../time.ts';

/** Calls that a user has on record for a UTC day (`YYYY-MM-DD`), across all nodes. */
export type ReadDayUnits = (userId: string, day: string) => Promise<number>;

/**
 * Reads for everybody who asks for the same at the same time at once; the day by its number.
 * @throws Problem `unavailable` from the reading, whatever its reason: what cannot be counted cannot be metered either
 */
export function sharedReader(read: ReadDayUnits): (userId: string, day: number) => Promise<number> {
  const underWay = new Map<string, Promise<number>>();
  return (userId, day) => {
    const date = new Date(day * DAY_MS).toISOString().slice(0, 10);
    const name = `${userId} ${date}`;
    let reading = underWay.get(name);
    if (!reading) {
      reading = read(userId, date)
        .catch((error: unknown) => {
          throw new Problem('unavailable', { headers: { 'Retry-After': '2' } }, error);
        })
        .finally(() => underWay.delete(name));
      underWay.set(name, reading);
    }
    return reading;
  };
}
