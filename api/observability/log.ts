import { type Logger, pino } from 'pino';

export type { Logger };

/** The service's log: JSON lines, or prose where a person watches. What could be a secret or a memory's text is never handed to it. */
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
