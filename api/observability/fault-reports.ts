import type { NodeClient } from '@sentry/node';
import { VERSION } from '../version.ts';
import { messageOf } from './describe-error.ts';

/** The context of a fault: ids and names of ours. */
export interface FaultContext {
  requestId?: string | undefined;
  userId?: string | undefined;
  operation?: string | undefined;
  /** Code of the problem that the caller got; undefined for work that answers no caller. */
  code?: string | undefined;
}

/** Reports faults of the service to Sentry. */
export interface FaultReports {
  /** Reports an error with the fields of its log line. */
  report(error: Error, fields: Record<string, unknown>): void;
  /** Sends what waits to be sent, within a time in milliseconds. */
  close(withinMs: number): Promise<void>;
}

const NO_REPORTS: FaultReports = { report: () => undefined, close: async () => undefined };

interface FaultReportOptions {
  /** Undefined: nothing is reported, and the library is not loaded. */
  dsn: string | undefined;
  environment: string;
}

/**
 * Opens the reports of a process. An event has the error without what its message quotes, the id of the user, the operation, the
 * release and the environment; no body, header, URL, address or e-mail. Nothing is instrumented automatically.
 */
export async function openFaultReports({ dsn, environment }: FaultReportOptions): Promise<FaultReports> {
  if (!dsn) return NO_REPORTS;
  const sentry = await import('@sentry/node');
  const client: NodeClient | undefined = sentry.init({
    dsn,
    environment,
    release: `whitemagic@${VERSION}`,
    defaultIntegrations: false,
    integrations: [sentry.linkedErrorsIntegration()],
    enableRuntimeChannelInjection: false,
    sendClientReports: false,
    maxBreadcrumbs: 0,
    beforeSend(event, { originalException }) {
      // Linked errors follow their cause, the innermost first.
      const chain = causesOf(originalException);
      for (const [index, exception] of (event.exception?.values ?? []).toReversed().entries()) {
        const error = chain[index];
        exception.value = error ? messageOf(error) : '…';
      }
      const { request: _request, breadcrumbs: _breadcrumbs, extra: _extra, ...kept } = event;
      return kept;
    },
  });
  if (!client) return NO_REPORTS;
  return {
    report(error, { user_id: userId, request_id: requestId, operation, job }) {
      const tags = Object.entries({ operation, job, request_id: requestId });
      sentry.captureException(error, {
        ...(typeof userId === 'string' && { user: { id: userId } }),
        tags: Object.fromEntries(tags.filter((tag): tag is [string, string] => typeof tag[1] === 'string')),
      });
    },
    close: async (withinMs) => void (await sentry.close(withinMs)),
  };
}

/** Returns an error and its causes, the outermost first. */
function causesOf(error: unknown): Error[] {
  const chain: Error[] = [];
  for (let at = error; at instanceof Error && chain.length < 10; at = at.cause) chain.push(at);
  return chain;
}
