import type { JobHelpers } from 'graphile-worker';
import { z } from 'zod';
import type { Database } from '../../db/client/database.ts';
import type { JobType } from '../../db/queries/jobs/job-types.ts';
import type { Backups } from '../backup/backups.ts';
import type { Billing } from '../billing/billing.ts';
import type { RequestContext } from '../context.ts';
import type { MailTransport } from '../mail/transport.ts';
import type { Logger } from '../observability/log.ts';

/** Dependencies of the tasks, made once per process. */
export interface TaskContext {
  database: Database;
  transport: MailTransport;
  /** Days after which usage events are dropped. */
  usageRetentionDays: number;
  /** Base URL of the links in e-mails. */
  publicUrl: () => string;
  /** Undefined when billing is off. */
  billing?: Billing | undefined;
  /** Undefined when no backups are configured. */
  backups?: Backups | undefined;
  clock: Pick<RequestContext, 'now' | 'newId'>;
  log: Logger;
}

interface Schedule {
  /** Crontab fields, in UTC. */
  cron: string;
  /** How far back missed runs are caught up after a time without a worker, such as `2h`; not at all by default. */
  fill?: string;
  /** Attempts until a scheduled job is a dead letter; 25 by default. */
  maxAttempts?: number;
}

interface TaskDefinition<Payload extends object> extends JobType<Payload> {
  schedule?: Schedule;
  /** Runs the task. A task that throws is retried with exponential backoff; after its last attempt the job stays as a dead letter. */
  run(payload: Payload, context: TaskContext, helpers: JobHelpers): Promise<void>;
}

export interface Task {
  name: string;
  schedule?: Schedule | undefined;
  /** @throws ZodError when the payload does not fit the task's schema */
  handle(payload: unknown, context: TaskContext, helpers: JobHelpers): Promise<void>;
}

/** Payload of tasks that take none. */
export const NO_PAYLOAD = z.strictObject({});

/** Defines a background task. Its payload is checked before each run. */
export function defineTask<Payload extends object>(task: TaskDefinition<Payload>): Task {
  return {
    name: task.name,
    schedule: task.schedule,
    handle: async (payload, context, helpers) =>
      task.run(task.payload.parse(withoutCronInfo(payload)), context, helpers),
  };
}

/** Drops the `_cron` field that graphile-worker adds to the payload of scheduled jobs. */
function withoutCronInfo(payload: unknown): unknown {
  if (typeof payload !== 'object' || payload === null || !('_cron' in payload)) return payload;
  const { _cron, ...rest } = payload;
  return rest;
}
