import { hostname } from 'node:os';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type FaultReports, openFaultReports } from '../../../api/observability/fault-reports.ts';
import { VERSION } from '../../../api/version.ts';
import { type HttpSink, startHttpSink } from '../../support/http-sink.ts';

const TEXT = 'the salary of Ms. Ouyang is 4,000';

describe('fault reports', () => {
  let sink: HttpSink;
  let reports: FaultReports;

  beforeAll(async () => {
    sink = await startHttpSink();
    reports = await openFaultReports({ dsn: `http://public@127.0.0.1:${sink.port}/42`, environment: 'live' });
  });
  afterAll(async () => {
    await reports.close(1_000);
    await sink.close();
  });

  it('have the error, user id, operation, release and environment, and no text that the error quotes', async () => {
    const cause = Object.assign(new Error(`invalid input syntax for type json: "${TEXT}"`), {
      name: 'DatabaseError',
      code: '22P02',
      detail: TEXT,
      where: TEXT,
    });
    const fields = { user_id: 'the-user', operation: 'memories.create', request_id: 'r-1', body: TEXT, email: TEXT };
    reports.report(new Error('the memory could not be stored', { cause }), fields);
    await expect.poll(() => sink.requests.length).toBe(1);

    const event = JSON.parse(sink.requests[0]?.body.split('\n')[2] as string);
    expect(event).toMatchObject({
      release: `whitemagic@${VERSION}`,
      environment: 'live',
      server_name: hostname(),
      user: { id: 'the-user' },
      tags: { operation: 'memories.create', request_id: 'r-1' },
    });
    expect(event.exception.values.map(({ value }: { value: string }) => value)).toEqual([
      'invalid input syntax for type json: "…"',
      'the memory could not be stored',
    ]);
    expect(event.exception.values[1].stacktrace.frames.length).toBeGreaterThan(2);
    expect(sink.requests.map(({ body }) => body).join()).not.toContain(TEXT);
    expect(event).not.toHaveProperty('request');
    expect(event).not.toHaveProperty('breadcrumbs');
  });

  it('are off without a DSN', async () => {
    const off = await openFaultReports({ dsn: undefined, environment: 'live' });
    off.report(new Error('not sent'), {});
    await off.close(1_000);
    expect(sink.requests.map(({ body }) => body).join()).not.toContain('not sent');
  });
});
