import { hostname } from 'node:os';
import { type Logger, type LoggerOptions, pino } from 'pino';
import { VERSION } from '../version.ts';
import { describeError } from './describe-error.ts';

export type { Logger };

/** Number of pino's level `error`. */
const ERROR = 50;

interface LogOptions {
  level: string;
  /** Readable text for a terminal, instead of JSON lines. */
  pretty: boolean;
  /** The kind of process, as log lines name it. */
  process?: 'api' | 'worker' | 'admin';
  /** Path of a file to append to. Default: the standard output. */
  file?: string;
  /** Streams that receive a copy of each line. */
  drains?: readonly { write(line: string): void }[];
  /** Called with each error that is logged at level `error`: a fault of the service, not of a caller. */
  onFault?: (error: Error, fields: Record<string, unknown>) => void;
}

/**
 * Creates the log of a process: JSON lines with the name of their level, the service, its version and the machine, or readable text
 * at a terminal. Secrets and texts of memories are never logged.
 */
export function createLog({ level, pretty, process = 'api', file, drains = [], onFault }: LogOptions): Logger {
  const options: LoggerOptions = {
    level,
    base: { service: `whitemagic-${process}`, version: VERSION, node: hostname() },
    timestamp: pino.stdTimeFunctions.isoTime,
    serializers: { err: (error: unknown) => describeError(error) },
    ...(onFault && {
      hooks: {
        logMethod(args, method, number) {
          const [fields] = args as [unknown];
          if (number >= ERROR && isFault(fields)) onFault(fields.err, fields);
          method.apply(this, args);
        },
      },
    }),
    formatters: { level: (label) => ({ level: label }) },
    redact: ['authorization', 'api_key', '*.authorization', '*.api_key', 'headers'],
  };
  const output = pretty ? openTerminal() : pino.destination({ dest: file ?? 1, sync: file === undefined });
  if (drains.length === 0) return pino(options, output);
  return pino(options, pino.multistream([output, ...drains].map((stream) => ({ stream, level: 'trace' as const }))));
}

function openTerminal() {
  return pino.transport({
    target: 'pino-pretty',
    options: { colorize: true, translateTime: 'SYS:HH:MM:ss', ignore: 'service,version,node' },
  });
}

function isFault(fields: unknown): fields is { err: Error } & Record<string, unknown> {
  return typeof fields === 'object' && fields !== null && 'err' in fields && fields.err instanceof Error;
}
