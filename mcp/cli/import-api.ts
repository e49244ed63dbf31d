import { setTimeout as delay } from 'node:timers/promises';
import { networkFailure } from './bridge/network.ts';
import { resolveTarget } from './bridge/target.ts';
import type { FoundSettings } from './settings.ts';

/** The state of an import, as the service returns it. */
export interface ImportState {
  id: string;
  status: 'uploading' | 'checking' | 'checked' | 'importing' | 'completed' | 'stopped' | 'failed';
  format: string | null;
  progress: number;
  cost: number;
  reason: string | null;
  counts: {
    memories: number;
    versions: number;
    unchanged: number;
    rejected: number;
    storage_bytes: number;
    imported_memories: number;
    imported_versions: number;
  };
  findings: { line: number; what: string; why: string }[];
}

/** Calls of the import operations. Each rejects with an `Error` whose message is for people. */
export interface ImportApi {
  start(options: Record<string, unknown>): Promise<ImportState>;
  upload(id: string, n: number, bytes: Buffer): Promise<unknown>;
  run(id: string, dryRun: boolean): Promise<ImportState>;
  get(id: string): Promise<ImportState>;
  remove(id: string): Promise<unknown>;
}

const TIMEOUT_MS = 60_000;
/** Attempts of a call that the service did not take: it is busy, or the calls of the minute are used up. */
const ATTEMPTS_MAX = 20;
const WAIT_SECONDS_MAX = 120;

/** Creates the calls for a service. @throws Failure when the URL or the key is missing */
export function createApi(settings: FoundSettings, note: (line: string) => void): ImportApi {
  const target = resolveTarget(settings);
  async function call<T>(method: string, path: string, body?: unknown): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      const response = await fetch(`${target.base}/api/v1${path}`, {
        method,
        redirect: 'manual',
        headers: {
          Authorization: `Bearer ${target.key}`,
          ...(body !== undefined && { 'Content-Type': 'application/json' }),
        },
        ...(body !== undefined && { body: JSON.stringify(body) }),
        signal: AbortSignal.timeout(TIMEOUT_MS),
      }).catch((error: unknown) => {
        throw networkFailure(error, target, false);
      });
      const text = await response.text();
      if (response.ok) return JSON.parse(text) as T;
      const seconds = Number(response.headers.get('Retry-After'));
      const isTemporary =
        (response.status === 429 || response.status === 503) && seconds > 0 && seconds <= WAIT_SECONDS_MAX;
      if (!isTemporary || attempt === ATTEMPTS_MAX) throw new Error(problemText(text, response.status));
      note(`the service asks to wait ${seconds} s`);
      await delay(seconds * 1_000);
    }
  }
  return {
    start: (options) => call('POST', '/import', options),
    upload: (id, n, bytes) => call('PUT', `/import/${id}/chunks/${n}`, { data: bytes.toString('base64') }),
    run: (id, dryRun) => call('POST', `/import/${id}/run`, { dry_run: dryRun }),
    get: (id) => call('GET', `/import/${id}`),
    remove: (id) => call('DELETE', `/import/${id}`),
  };
}

function problemText(body: string, status: number): string {
  try {
    const { title, detail } = JSON.parse(body) as { title?: string; detail?: string };
    return detail ?? title ?? `HTTP status ${status}`;
  } catch {
    return `HTTP status ${status}`;
  }
}
