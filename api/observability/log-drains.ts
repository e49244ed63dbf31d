import { once } from 'node:events';
import { createRequire } from 'node:module';
import type { Transform } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { pino } from 'pino';

/** Services that receive a copy of the log. */
export interface LogDrainSettings {
  /** Source at Better Stack. Undefined token: none. */
  betterStack: { token: string | undefined; url: string };
  /** Dataset at Axiom. Undefined token or dataset: none. */
  axiom: { token: string | undefined; dataset: string | undefined; url: string };
}

/** Streams that receive the lines of a log. */
export interface LogDrains {
  streams: { write(line: string): void }[];
  /** Sends what waits to be sent, within a time in milliseconds. */
  close(withinMs: number): Promise<void>;
}

/** Lines that wait for a drain. Later ones are dropped until it has taken some. */
const WAITING_LINES_MAX = 10_000;

/**
 * Opens the log drains of a process. A drain that cannot be reached costs its lines, and neither stops the process nor the standard
 * output. Without settings, no library is loaded.
 */
export async function openLogDrains({ betterStack, axiom }: LogDrainSettings): Promise<LogDrains> {
  const transports: Transform[] = [];
  const streams: LogDrains['streams'] = [];
  const add = (name: string, transport: Transform, toLine = (line: string) => line) => {
    let isOpen = true;
    transport.on('error', (error) => {
      isOpen = false;
      reportLoss(name, error);
    });
    transports.push(transport);
    streams.push({
      write: (line) => {
        if (isOpen && transport.writableLength < WAITING_LINES_MAX) transport.write(toLine(line));
      },
    });
  };
  if (betterStack.token) {
    // A CommonJS package with a default export, of which imports differ.
    const module: typeof import('@logtail/pino') = createRequire(import.meta.url)('@logtail/pino');
    const options = { endpoint: betterStack.url, ignoreExceptions: true };
    const transport = await module.default({ sourceToken: betterStack.token, options });
    add('Better Stack', transport, withNumericLevel);
  }
  if (axiom.token && axiom.dataset) {
    const { default: axiomTransport } = await import('@axiomhq/pino');
    const onError = (error: Error) => reportLoss('Axiom', error);
    add('Axiom', await axiomTransport({ dataset: axiom.dataset, token: axiom.token, url: axiom.url, onError }));
  }
  return {
    streams,
    close: async (withinMs) => {
      const closed = transports.map((transport) => {
        transport.end();
        return once(transport, 'close').catch(() => undefined);
      });
      await Promise.race([Promise.all(closed), delay(withinMs, undefined, { ref: false })]);
    },
  };
}

/** Reports lost lines at the standard error: the log itself would send the report to the drain. */
function reportLoss(name: string, { message }: Error): void {
  process.stderr.write(`Log lines did not reach ${name}: ${message}\n`);
}

/** Replaces the name of the level, which begins a line, by its number: Better Stack's transport takes a name for `fatal`. */
function withNumericLevel(line: string): string {
  return line.replace(/^\{"level":"(\w+)"/, (_, name: string) => `{"level":${pino.levels.values[name]}`);
}
