import { AsyncLocalStorage } from 'node:async_hooks';
import { type TracingChannel, tracingChannel } from 'node:diagnostics_channel';
import { setTimeout as delay } from 'node:timers/promises';
import type { Span, SpanOptions, Tracer } from '@opentelemetry/api';
import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace-base';
import { SPANS, type SpanData } from '../../db/client/trace.ts';
import { VERSION } from '../version.ts';

/** Measures the work of a process. */
export interface Tracing {
  /** Sends what waits to be sent, within a time in milliseconds. */
  close(withinMs: number): Promise<void>;
}

interface TracingOptions {
  /** Name of the process as traces show it. */
  service: string;
  environment: string;
  /** Project at Sentry that receives a part of the traces. */
  sentry: { dsn: string | undefined; sampleRate: number };
  /** Base URL of an OpenTelemetry collector that receives a part of the traces. */
  otlp: { endpoint: string | undefined; headers?: Record<string, string>; sampleRate: number };
}

/** A place that receives traces. */
interface Target {
  exporter: SpanExporter;
  sampleRate: number;
}

/** Channel on which ioredis publishes its commands. Its context has their arguments too, which are not read. */
const REDIS_COMMANDS = 'ioredis:command';
/** Milliseconds for a request to a target. */
const EXPORT_MS = 5_000;

/**
 * Measures operations, statements, Redis commands, the encoder and jobs, and sends the spans over OTLP to Sentry, to a collector, or to
 * both. A span has names of ours, ids and a status: no statement, value, header, URL or message of an error.
 * Without a target, or with rates of 0, no library is loaded.
 */
export async function openTracing({ service, environment, sentry, otlp }: TracingOptions): Promise<Tracing> {
  const isSentryOn = sentry.dsn !== undefined && sentry.sampleRate > 0;
  const isOtlpOn = otlp.endpoint !== undefined && otlp.sampleRate > 0;
  if (!isSentryOn && !isOtlpOn) return { close: async () => undefined };
  const [{ OTLPTraceExporter }, sdk, { resourceFromAttributes }, api] = await Promise.all([
    import('@opentelemetry/exporter-trace-otlp-http'),
    import('@opentelemetry/sdk-trace-base'),
    import('@opentelemetry/resources'),
    import('@opentelemetry/api'),
  ]);
  const targets: Target[] = [];
  if (isSentryOn) {
    const { getOtlpTracesEndpoint } = await import('@sentry/node');
    const endpoint = getOtlpTracesEndpoint(sentry.dsn as string);
    if (!endpoint) throw new Error('SENTRY_DSN: must be the DSN of a project, such as https://key@host/1');
    targets.push({
      exporter: new OTLPTraceExporter({ ...endpoint, timeoutMillis: EXPORT_MS }),
      sampleRate: sentry.sampleRate,
    });
  }
  if (isOtlpOn) {
    const url = `${otlp.endpoint}/v1/traces`;
    const { headers = {}, sampleRate } = otlp;
    targets.push({ exporter: new OTLPTraceExporter({ url, headers, timeoutMillis: EXPORT_MS }), sampleRate });
  }
  /** Samplers decide by the id of a trace, so the traces of a lower rate are among those of a higher one. */
  const sampler = (rate: number) => new sdk.TraceIdRatioBasedSampler(rate);
  const keeps = (rate: number, traceId: string) =>
    sampler(rate).shouldSample(api.ROOT_CONTEXT, traceId).decision === sdk.SamplingDecision.RECORD_AND_SAMPLED;
  const provider = new sdk.BasicTracerProvider({
    resource: resourceFromAttributes({
      'service.name': service,
      'service.version': VERSION,
      'deployment.environment.name': environment,
    }),
    sampler: new sdk.ParentBasedSampler({ root: sampler(Math.max(...targets.map(({ sampleRate }) => sampleRate))) }),
    spanProcessors: targets.map(
      ({ exporter, sampleRate }) =>
        new sdk.BatchSpanProcessor(onlySpans(exporter, (span) => keeps(sampleRate, span.spanContext().traceId))),
    ),
  });
  const stop = subscribe(provider.getTracer('whitemagic', VERSION), api);
  return {
    close: async (withinMs) => {
      stop();
      await Promise.race([provider.shutdown(), delay(withinMs, undefined, { ref: false })]);
    },
  };
}

/** Returns an exporter of those spans for which the condition holds. */
function onlySpans(exporter: SpanExporter, isKept: (span: ReadableSpan) => boolean): SpanExporter {
  return {
    export: (spans, done) => exporter.export(spans.filter(isKept), done),
    shutdown: () => exporter.shutdown(),
    forceFlush: async () => exporter.forceFlush?.(),
  };
}

/** Attributes by which Sentry groups spans. */
const OPERATIONS: Record<SpanData['kind'] | 'redis', string> = {
  operation: 'function',
  sql: 'db',
  encoder: 'ai.embeddings',
  job: 'queue.process',
  redis: 'db.redis',
};

/** Makes a span of each piece of work that a channel reports. Returns what ends that. */
function subscribe(
  tracer: Tracer,
  { trace, ROOT_CONTEXT, SpanKind, SpanStatusCode }: typeof import('@opentelemetry/api'),
) {
  const current = new AsyncLocalStorage<Span | undefined>();

  function start({ name, kind }: Pick<SpanData, 'name'> & { kind: keyof typeof OPERATIONS }): Span | undefined {
    const parent = current.getStore();
    const isCall = kind === 'sql' || kind === 'redis';
    // Heartbeats, the search for jobs, and other statements that belong to no work.
    if (!parent && isCall) return undefined;
    const spanKind = { operation: SpanKind.SERVER, job: SpanKind.CONSUMER, encoder: SpanKind.INTERNAL };
    const options: SpanOptions = {
      kind: kind === 'sql' || kind === 'redis' ? SpanKind.CLIENT : spanKind[kind],
      attributes: { 'sentry.op': OPERATIONS[kind] },
    };
    return tracer.startSpan(name, options, parent ? trace.setSpan(ROOT_CONTEXT, parent) : ROOT_CONTEXT);
  }

  /** Follows the work of one channel. */
  function follow<Data extends object>(
    channel: TracingChannel<unknown, Data>,
    open: (data: Data) => Span | undefined,
    attributesOf: (data: Data) => SpanData['attributes'],
  ): () => void {
    const spans = new WeakMap<Data, Span>();
    channel.start.bindStore(current, (data) => {
      const span = open(data);
      if (span) spans.set(data, span);
      return span;
    });
    const subscribers = {
      // The message of an error may quote what a tenant sent.
      error: (data: Data) => void spans.get(data)?.setStatus({ code: SpanStatusCode.ERROR }),
      asyncStart: (data: Data) => void spans.get(data)?.setAttributes(attributesOf(data)).end(),
    };
    channel.error.subscribe(subscribers.error as never);
    channel.asyncStart.subscribe(subscribers.asyncStart as never);
    return () => {
      channel.start.unbindStore(current);
      channel.error.unsubscribe(subscribers.error as never);
      channel.asyncStart.unsubscribe(subscribers.asyncStart as never);
    };
  }

  const stops = [
    follow(SPANS, start, ({ attributes }) => attributes),
    follow(
      tracingChannel<unknown, { command: string }>(REDIS_COMMANDS),
      ({ command }) => start({ name: `redis ${command.toLowerCase()}`, kind: 'redis' }),
      () => ({ 'db.system.name': 'redis' }),
    ),
  ];
  return () => {
    for (const stop of stops) stop();
  };
}
