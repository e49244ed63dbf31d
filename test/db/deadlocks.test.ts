import { expect, it } from 'vitest';
import { DEADLOCK_ON_PURPOSE, findDeadlocks } from '../support/deadlocks.ts';

const entry = (statement: string) => `2026-11-29 13:21:00.123 UTC [41] ERROR:  deadlock detected
2026-11-29 13:21:00.123 UTC [41] DETAIL:  Process 41 waits for ShareLock on transaction 8; blocked by process 42.
	Process 41: ${statement}
2026-11-29 13:21:00.123 UTC [41] HINT:  See server log for query details.
2026-11-29 13:21:00.123 UTC [41] STATEMENT:  ${statement}
`;

it('deadlock check finds the deadlocks in a server log, but those that a test causes on purpose', () => {
  const other = '2026-11-29 13:21:01.000 UTC [43] ERROR:  canceling statement due to user request\n';
  const log = [other, entry(`update a ${DEADLOCK_ON_PURPOSE}`), entry('update b'), other].join('');
  expect(findDeadlocks(log)).toEqual([entry('update b')]);
  expect(findDeadlocks(other)).toEqual([]);
});
