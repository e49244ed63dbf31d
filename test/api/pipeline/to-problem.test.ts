import { describe, expect, it } from 'vitest';
import { toProblem } from '../../../api/pipeline/to-problem.ts';
import { NoPermitError } from '../../../db/client/fair-semaphore.ts';
import { ServerUnresponsiveError } from '../../../db/client/heartbeat.ts';
import { UnknownOutcomeError } from '../../../db/client/retry.ts';

const sqlState = (code: string) => Object.assign(new Error('failed'), { code });

describe('database error', () => {
  it.each([
    ['overloaded', new NoPermitError('everybody')],
    ['overloaded', new Error('timeout exceeded when trying to connect')],
    ['overloaded', sqlState('57014')],
    ['overloaded', sqlState('55P03')],
    ['overloaded', sqlState('53300')],
    ['disk_full', sqlState('53100')],
    ['unavailable', sqlState('57P01')],
    ['unavailable', sqlState('ECONNREFUSED')],
    ['unavailable', new Error('Query read timeout')],
    ['unavailable', new Error('timeout expired')],
    ['unavailable', new ServerUnresponsiveError()],
    ['unavailable', new UnknownOutcomeError(new Error('Connection terminated unexpectedly'))],
    ['internal', sqlState('42P01')],
  ])('is reported as %s: %s', (code, error) => {
    const problem = toProblem(error);
    expect(problem.code).toBe(code);
    if (problem.status === 503) expect(problem.data.headers).toHaveProperty('Retry-After');
  });

  it('says that nothing was changed, except where a commit may have succeeded', () => {
    expect(toProblem(new ServerUnresponsiveError()).message).toContain('Nothing was changed');
    const unknown = toProblem(new UnknownOutcomeError(undefined)).message;
    expect(unknown).toContain('may have been saved');
    expect(unknown).not.toContain('Nothing was changed');
  });
});
