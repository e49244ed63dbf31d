import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { connect, type Database } from '../../db/client/database.ts';
import { RESPONSE_MS } from '../../db/client/heartbeat.ts';
import { dropDatabase, freshDatabase } from '../support/database.ts';

let url: string;
let database: Database;

afterEach(async () => {
  await database.close();
  await dropDatabase(url);
});

function keepBusy(milliseconds: number): void {
  for (const until = performance.now() + milliseconds; performance.now() < until; );
}

describe('heartbeat', () => {
  it('does not take a busy process for a server that does not respond', async () => {
    url = await freshDatabase();
    const errors: Error[] = [];
    database = connect({ url, onError: (error) => errors.push(error) });
    await database.owner.query('select 1');
    const slow = database.owner.query('select pg_sleep(7)');
    // Each block is longer than the server has to respond. The first beats connect meanwhile.
    for (let block = 0; block < 4; block++) {
      keepBusy(RESPONSE_MS + 100);
      await nextTurn();
    }
    expect((await database.probe.query({ text: 'select 1' })).rowCount).toBe(1);
    await slow;
    expect(errors).toEqual([]);
  });
});
