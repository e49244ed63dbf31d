import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readConfig } from '../../../api/config.ts';
import { createLog } from '../../../api/observability/log.ts';
import { openLogDrains } from '../../../api/observability/log-drains.ts';
import { type HttpSink, startHttpSink } from '../../support/http-sink.ts';

describe('log drains', () => {
  let sink: HttpSink;

  beforeAll(async () => {
    sink = await startHttpSink();
  });
  afterAll(() => sink.close());

  const settings = (url: string) =>
    readConfig({
      BETTER_STACK_SOURCE_TOKEN: 'better-stack-token',
      BETTER_STACK_URL: url,
      AXIOM_TOKEN: 'axiom-token',
      AXIOM_DATASET: 'whitemagic',
      AXIOM_URL: url,
    }).logDrains;

  it('send each line with its level and fields to Better Stack and Axiom', async () => {
    const drains = await openLogDrains(settings(sink.url));
    const log = createLog({ level: 'info', pretty: false, file: '/dev/null', drains: drains.streams });
    log.info({ operation: 'memories.create', api_key: 'wm_secret' }, 'request');
    log.warn({ err: new Error('the mail server is gone') }, 'an e-mail waits');
    await drains.close(5_000);

    const at = (path: string) => sink.requests.filter((request) => request.path.startsWith(path));
    const [axiom] = at('/v1/datasets/whitemagic/ingest');
    expect(axiom?.headers.authorization).toBe('Bearer axiom-token');
    const common = { service: 'whitemagic-api', level: 'info', operation: 'memories.create', api_key: '[Redacted]' };
    expect(linesOf(axiom?.body)).toMatchObject([
      { ...common, msg: 'request' },
      { level: 'warn', err: { message: 'the mail server is gone' } },
    ]);
    const [betterStack] = sink.requests.filter(({ headers }) => headers.authorization === 'Bearer better-stack-token');
    // Sent as MessagePack.
    for (const text of ['request', 'memories.create', 'info', 'warn', '[Redacted]', 'an e-mail waits']) {
      expect(betterStack?.body).toContain(text);
    }
    expect(sink.requests.map(({ body }) => body).join()).not.toContain('wm_secret');
  });

  it('lose their lines while they cannot be reached, and nothing else', async () => {
    const gone = await startHttpSink();
    await gone.close();
    const drains = await openLogDrains(settings(gone.url));
    const lines: string[] = [];
    const output = { write: (line: string) => void lines.push(line) };
    const log = createLog({ level: 'info', pretty: false, file: '/dev/null', drains: [output, ...drains.streams] });
    for (let i = 0; i < 100; i++) log.info({ i }, 'request');
    await drains.close(2_000);
    log.info('after the drains were closed');
    expect(lines).toHaveLength(101);
  });

  it('are none without settings', async () => {
    expect((await openLogDrains(readConfig({}).logDrains)).streams).toEqual([]);
  });
});

/** Parses lines of JSON, or an array of them. */
function linesOf(body = ''): unknown[] {
  return body.startsWith('[')
    ? JSON.parse(body)
    : body
        .split('\n')
        .filter(Boolean)
        .map((line) => JSON.parse(line));
}
