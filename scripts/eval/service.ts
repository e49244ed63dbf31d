import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { v7 as uuidv7 } from 'uuid';
import { z } from 'zod';
import { createUser } from '../../api/accounts/users.ts';
import { readConfig } from '../../api/config.ts';
import { connect } from '../../db/client/database.ts';
import { updateOverrides } from '../../db/queries/accounts/users.ts';
import { withOwnerUrl } from '../open-database.ts';
import { type ServiceProcess, startServiceProcess } from '../service-process.ts';

/** Limits that a run does not reach. */
const WIDE = { requests_per_minute: 10_000_000, requests_per_day: 10_000_000, storage_bytes: 100_000_000_000 };
/** Longest time without progress while memories are embedded. */
const STALLED_MS = 180_000;

interface TimedResponse {
  body: unknown;
  text: string;
  milliseconds: number;
}

/** A service to evaluate, wherever it runs. */
export interface EvalClient {
  /** Creates a user with wide limits. Returns an API key. */
  addUser(): Promise<string>;
  /** Makes a REST call. @throws Error unless the status is 2xx */
  call(apiKey: string, method: string, path: string, body?: unknown): Promise<TimedResponse>;
  /** Prints a line on stderr that the next one replaces. */
  progress(line: string): void;
}

/** A service in a child process on a data directory of its own. */
export interface EvalService extends EvalClient {
  url: string;
  dataDir: string;
  stop(): Promise<void>;
}

/** Starts the service on a data directory, or else on a temporary one that `stop` removes. */
export async function startEvalService(env: Record<string, string>, dataDir?: string): Promise<EvalService> {
  const directory = dataDir ?? (await mkdtemp(join(tmpdir(), 'whitemagic-eval-')));
  let service: ServiceProcess | undefined;
  const stop = async () => {
    await service?.stop();
    if (!dataDir) await rm(directory, { recursive: true, force: true });
  };
  const stopAndExit = () => void stop().finally(() => process.exit(130));
  process.once('SIGINT', stopAndExit).once('SIGTERM', stopAndExit);
  try {
    service = await startServiceProcess(directory, { LOG_LEVEL: 'warn', ...env }, { showErrors: true });
    const { url } = service;
    return { url, dataDir: directory, addUser: () => addUser(directory), call: callerOf(url), progress, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Returns a function that calls the REST API of a service. */
export function callerOf(url: string): EvalClient['call'] {
  return (key, method, path, body) => request(`${url}/api/v1${path}`, key, method, body);
}

function addUser(dataDir: string): Promise<string> {
  const config = readConfig({ DATA_DIR: dataDir });
  return withOwnerUrl(config, async (url) => {
    const database = connect({ url, onError: () => undefined });
    try {
      return await database.ownerWrite(async (sql) => {
        const context = { sql, now: () => new Date(), newId: () => uuidv7() };
        const wanted = {
          email: null,
          plan: 'enterprise',
          keyName: 'eval',
          keyEnvironment: 'eval',
          actor: 'eval',
        } as const;
        const { userId, apiKey } = await createUser(context, wanted);
        await updateOverrides(sql, userId, WIDE, context.now());
        return apiKey;
      });
    } finally {
      await database.close();
    }
  });
}

async function request(url: string, apiKey: string, method: string, body?: unknown): Promise<TimedResponse> {
  const headers = {
    Authorization: `Bearer ${apiKey}`,
    ...(body !== undefined && { 'Content-Type': 'application/json' }),
  };
  const begin = performance.now();
  const response = await fetch(url, { method, headers, ...(body !== undefined && { body: JSON.stringify(body) }) });
  const text = await response.text();
  const milliseconds = performance.now() - begin;
  if (!response.ok) throw new Error(`${method} ${url} returned ${response.status}: ${text.slice(0, 500)}`);
  return { body: JSON.parse(text), text, milliseconds };
}

const stats = z.object({ embedding: z.object({ pending: z.number().optional() }).nullish() });

/** Waits until every memory of these users is embedded, if the service has an encoder. */
export async function untilEmbedded(service: EvalClient, name: string, apiKeys: readonly string[]): Promise<void> {
  let least = Number.POSITIVE_INFINITY;
  for (let progressedAt = Date.now(); ; await delay(500)) {
    const responses = await Promise.all(apiKeys.map((key) => service.call(key, 'GET', '/stats')));
    const pending = responses.reduce((sum, { body }) => sum + (stats.parse(body).embedding?.pending ?? 0), 0);
    if (pending === 0) return;
    service.progress(`${name}: ${pending} memories not embedded yet`);
    if (pending < least) progressedAt = Date.now();
    least = Math.min(least, pending);
    if (Date.now() - progressedAt > STALLED_MS)
      throw new Error(`${pending} memories of ${name} are not embedded, without progress for ${STALLED_MS / 1000} s`);
  }
}

function progress(line: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${line}`);
}
