import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { v7 as uuidv7 } from 'uuid';
import { inject } from 'vitest';
import { createUser } from '../../api/accounts/users.ts';
import { openSession } from '../../api/auth/sessions.ts';
import { type Service, type ServiceConfig, startService } from '../../api/bootstrap.ts';
import { readConfig } from '../../api/config.ts';
import { SESSION_COOKIE } from '../../api/http/cookies.ts';
import { createLog } from '../../api/observability/log.ts';
import type { Database } from '../../db/client/database.ts';
import { type PlanName, updateOverrides } from '../../db/queries/accounts/users.ts';
import { Client } from './client.ts';
import { dropDatabase, freshDatabase } from './database.ts';
import { newLogFile, saveTexts } from './logs.ts';

/** An API node on a free port, with a database of its own. */
export interface TestService {
  url: string;
  /** Origin of the OAuth server. */
  oauthUrl: string;
  service: Service;
  databaseUrl: string;
  dataDir: string;
  /** Creates a user with an API key and a REST client. Limits are wide by default; null means those of the plan. */
  newUser(options?: {
    plan?: PlanName;
    email?: string;
    requestsPerMinute?: number | null;
    requestsPerDay?: number;
    storageBytes?: number;
  }): Promise<TestUser>;
  stop(): Promise<void>;
}

export interface TestUser {
  userId: string;
  apiKey: string;
  api: Client;
  /** Signs a browser in and returns the client that sends its cookie, as the dashboard does. */
  signIn(): Promise<Client>;
  /** The database of the service. */
  database: Database;
}

const WIDE = 1_000_000;

async function signIn({ url, database }: Service, now = () => new Date(), userId: string): Promise<Client> {
  const browser = { formerSession: undefined, label: 'Firefox on Linux' };
  const cookie = await database.ownerWrite((sql) =>
    openSession({ sql, now, newId: () => uuidv7() }, userId, browser, 'local'),
  );
  return new Client(url, undefined, { Cookie: `${SESSION_COOKIE}=${cookie.value}`, Origin: url });
}

/** Creates the log of a node: to a file that is searched for secrets at the end of the run, or with TEST_LOG to the output. */
function createTestLog(level: string | undefined) {
  const shown = level ?? process.env.TEST_LOG;
  if (shown !== undefined) return createLog({ level: shown, pretty: false });
  return createLog({ level: 'debug', pretty: false, file: newLogFile(inject('logFolder')) });
}

/** Starts a node with jobs off and a silent log, unless `settings` say otherwise. Stop it in `afterAll`. */
export async function startTestService(settings: Partial<ServiceConfig> = {}): Promise<TestService> {
  const databaseUrl = settings.databaseUrl ?? (await freshDatabase());
  const dataDir = await mkdtemp(join(tmpdir(), 'whitemagic-data-'));
  const config = {
    ...readConfig({}),
    port: 0,
    dataDir,
    jobs: false,
    embedder: 'none' as const,
    logLevel: 'silent',
    oauth: { port: 0, publicUrl: undefined, isOptional: false },
    keyEnvironment: 'test',
    // All tests use one client IP, many without a valid key.
    requestsPerIp: WIDE,
  };
  const log = createTestLog(settings.logLevel);
  const service = await startService({ ...config, ...settings, databaseUrl }, log).catch(async (error) => {
    await rm(dataDir, { recursive: true, force: true });
    throw error;
  });

  return {
    url: service.url,
    oauthUrl: service.oauthUrl ?? '',
    service,
    databaseUrl,
    dataDir,
    async newUser({ plan = 'enterprise', email, requestsPerMinute = WIDE, requestsPerDay = WIDE, storageBytes } = {}) {
      const context = { now: () => new Date(), newId: () => uuidv7() };
      const { userId, apiKey } = await service.database.ownerWrite(async (sql) => {
        const wanted = { email: email ?? null, plan, keyName: 'Test key', keyEnvironment: 'test', actor: 'test' };
        const made = await createUser({ ...context, sql }, wanted);
        if (requestsPerMinute !== null) {
          const overrides = {
            requests_per_minute: requestsPerMinute,
            requests_per_day: requestsPerDay,
            ...(storageBytes !== undefined && { storage_bytes: storageBytes }),
          };
          await updateOverrides(sql, made.userId, overrides, new Date());
        }
        return made;
      });
      return {
        userId,
        apiKey,
        api: new Client(service.url, apiKey),
        signIn: () => signIn(service, settings.now, userId),
        database: service.database,
      };
    },
    async stop() {
      await service.stop();
      saveTexts(inject('logFolder'));
      if (!settings.databaseUrl) await dropDatabase(databaseUrl);
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}
