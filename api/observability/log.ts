import { type Logger, pino } from 'pino';

export type { Logger };

/** Creates the log of the service: JSON lines, or readable text at a terminal. Secrets and texts of memories are never logged. */
export function createLog(options: { level: string; pretty: boolean }): Logger {
  return pino({
    level: options.level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    redact: ['authorization', 'api_key', '*.authorization', '*.api_key', 'headers'],
    ...(options.pretty && {
      transport: {
        target: 'pino-pretty',
        options: { colorize: true, translateTime: 'SYS:HH:MM:ss', ignore: 'pid,hostname' },
      },
    }),
  });
}
