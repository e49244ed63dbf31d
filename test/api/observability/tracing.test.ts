import { createRequire } from 'node:module';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readConfig } from '../../../api/config.ts';
import { openTracing, type Tracing } from '../../../api/observability/tracing.ts';
import { SPANS } from '../../../db/client/trace.ts';
import { type EmbeddingEndpoint, startEmbeddingEndpoint } from '../../support/embedding-endpoint.ts';
import { type HttpSink, startHttpSink } from '../../support/http-sink.ts';
import { hasRedis, startRedis, type TestRedis } from '../../support/redis.ts';
import { startTestService, type TestService, type TestUser } from '../../support/service.ts';

const TEXT = 'The salary of Ms. Ouyang is four thousand.';

interface SentSpan {
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  name: string;
  attributes: { key: string; value: { stringValue?: string; intValue?: number } }[];
  status: { code: number };
}

function loadedLibraries(): string[] {
  return Object.keys(createRequire(import.meta.url).cache).filter((path) =>
    /@opentelemetry\/(sdk|exporter)/.test(path),
  );
}

function spansIn(sink: HttpSink, path: string): SentSpan[] {
  return sink.requests
    .filter((request) => request.path === path)
    .flatMap(({ body }) => JSON.parse(body).resourceSpans)
    .flatMap(({ scopeSpans }) => scopeSpans)
    .flatMap(({ spans }) => spans);
}

describe.skipIf(!hasRedis)('tracing', () => {
  let service: TestService;
  let user: TestUser;
  let redis: TestRedis;
  let endpoint: EmbeddingEndpoint;
  let sink: HttpSink;
  const environment = 'live';

  beforeAll(async () => {
    [redis, endpoint, sink] = await Promise.all([startRedis(), startEmbeddingEndpoint(), startHttpSink()]);
    service = await startTestService({
      redisUrl: redis.url,
      embedder: 'openai',
      embeddings: { url: endpoint.url, model: 'test-model' },
      jobs: true,
    });
    user = await service.newUser();
  });
  afterAll(async () => {
    await service?.stop();
    await Promise.all([redis?.stop(), endpoint?.close(), sink?.close()]);
  });

  it('loads no library and follows nothing while it is off', async () => {
    const offs = [
      { sentry: { dsn: undefined, sampleRate: 1 }, otlp: { endpoint: undefined, sampleRate: 1 } },
      {
        sentry: { dsn: `http://public@127.0.0.1:${sink.port}/42`, sampleRate: 0 },
        otlp: { endpoint: sink.url, sampleRate: 0 },
      },
    ];
    for (const off of offs) await openTracing({ service: 'test', environment, ...off });
    expect(SPANS.hasSubscribers).toBe(false);
    expect(loadedLibraries()).toEqual([]);
  });

  it('sends the same scrubbed spans of operations, SQL, Redis, encoder and jobs to Sentry and to a collector', async () => {
    const tracing: Tracing = await openTracing({
      service: 'whitemagic-api',
      environment,
      sentry: { dsn: `http://public@127.0.0.1:${sink.port}/42`, sampleRate: 1 },
      otlp: readConfig({
        OTEL_EXPORTER_OTLP_ENDPOINT: `${sink.url}/collector/`,
        OTEL_EXPORTER_OTLP_HEADERS: 'X-Team=memory%20agents',
      }).tracing.otlp,
    });
    expect(loadedLibraries().length).toBeGreaterThan(0);
    await user.api.post('/memories', { title: 'Salaries', content: TEXT });
    await user.api.post('/search', { query: TEXT });
    const { status: rejected } = await user.api.post('/search', { query: TEXT, unknown_field: true });
    expect(rejected).toBeGreaterThanOrEqual(400);
    await user.api.post('/account/export');
    await expect.poll(async () => (await user.api.get('/account/exports')).body.results[0]?.status).toBe('ready');
    await tracing.close(5_000);
    expect(SPANS.hasSubscribers).toBe(false);

    const spans = spansIn(sink, '/collector/v1/traces');
    const atSentry = spansIn(sink, '/api/42/integration/otlp/v1/traces/');
    expect(atSentry.map(({ spanId }) => spanId).sort()).toEqual(spans.map(({ spanId }) => spanId).sort());
    expect(sink.requests.find(({ path }) => path.startsWith('/api/42/'))?.headers['x-sentry-auth']).toContain('public');

    expect(sink.requests.find(({ path }) => path.startsWith('/collector'))?.headers['x-team']).toBe('memory agents');

    const named = (name: string) => spans.filter((span) => span.name === name);
    const [created] = named('memories.create');
    const below = spans.filter(({ parentSpanId }) => parentSpanId === created?.spanId).map(({ name }) => name);
    expect(below).toContain('redis evalsha');
    expect(below).toContain('commit');
    expect(named('search.query').map(({ attributes }) => attributeOf(attributes, 'http.response.status_code'))).toEqual(
      [200, rejected],
    );
    expect(named('embed query')[0]?.traceId).toBe(named('search.query')[0]?.traceId);
    expect(named('embed documents').length).toBeGreaterThan(0);
    const [job] = named('export_account');
    expect(spans.some(({ parentSpanId }) => parentSpanId === job?.spanId)).toBe(true);

    const sent = sink.requests.map(({ body }) => body).join();
    for (const secret of [TEXT, 'salary', user.apiKey, redis.url, service.databaseUrl])
      expect(sent).not.toContain(secret);
    expect(attributeOf(created?.attributes, 'user.id')).toBe(user.userId);
  });

  it('sends a part of the traces to each target', async () => {
    const before = sink.requests.length;
    const tracing = await openTracing({
      service: 'whitemagic-api',
      environment,
      sentry: { dsn: `http://public@127.0.0.1:${sink.port}/7`, sampleRate: 0.3 },
      otlp: { endpoint: sink.url, sampleRate: 1 },
    });
    for (let i = 0; i < 60; i++) await user.api.get('/user/me');
    await tracing.close(5_000);
    expect(sink.requests.length).toBeGreaterThan(before);
    const all = new Set(spansIn(sink, '/v1/traces').map(({ traceId }) => traceId));
    const some = new Set(spansIn(sink, '/api/7/integration/otlp/v1/traces/').map(({ traceId }) => traceId));
    expect(all.size).toBeGreaterThanOrEqual(60);
    // With 60 traces, outside of these bounds about once in ten million runs.
    expect(some.size).toBeGreaterThan(2);
    expect(some.size).toBeLessThan(42);
    expect([...some].every((id) => all.has(id))).toBe(true);
  });
});

function attributeOf(attributes: SentSpan['attributes'] | undefined, name: string): string | number | undefined {
  const value = attributes?.find(({ key }) => key === name)?.value;
  return value?.stringValue ?? value?.intValue;
}
