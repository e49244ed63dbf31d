import { setTimeout as delay } from 'node:timers/promises';
import type { Config } from '../api/config.ts';
import { DataDirInUse, type EmbeddedDatabase, findEmbedded, startEmbedded } from '../db/embedded/start.ts';

/** Time limit for the database of a service that is just starting. */
const STARTING_SERVICE_TIMEOUT_MS = 30_000;

/**
 * Runs `work` on the configured database: the one that the settings name, or else that of the service that runs in
 * DATA_DIR, or else the embedded one in DATA_DIR, started for the duration of `work`. Migrates nothing.
 * @param work receives the URL of the role that owns the tables
 * @throws DataDirInUse when another process holds DATA_DIR and its database does not respond within 30 s
 */
export async function withOwnerUrl<T>(
  config: Pick<Config, 'databaseUrl' | 'databaseOwnerUrl' | 'dataDir'>,
  work: (ownerUrl: string) => Promise<T>,
): Promise<T> {
  const named = config.databaseOwnerUrl ?? config.databaseUrl;
  if (named) return work(named);
  const opened = await findOrStart(config.dataDir);
  if (typeof opened === 'string') return work(opened);
  const restore = stopOnSignal(opened);
  try {
    return await work(opened.url);
  } finally {
    await opened.stop();
    restore();
  }
}

/** Returns the URL of a running service's database, or a database that the caller must stop. */
async function findOrStart(dataDir: string): Promise<string | EmbeddedDatabase> {
  for (const end = Date.now() + STARTING_SERVICE_TIMEOUT_MS; ; await delay(100)) {
    const running = await findEmbedded(dataDir);
    if (running) return running;
    try {
      return await startEmbedded({ dataDir, log: (line) => process.stderr.write(`${line}\n`) });
    } catch (error) {
      // The database of the directory's owner does not respond yet: a service is starting.
      if (!(error instanceof DataDirInUse) || Date.now() > end) throw error;
    }
  }
}

/** Stops the server on a signal: otherwise it would outlive this process. Returns a function that removes the handlers. */
function stopOnSignal(embedded: EmbeddedDatabase): () => void {
  const stopAndExit = (signal: NodeJS.Signals) => {
    void embedded.stop().finally(() => process.exit(signal === 'SIGINT' ? 130 : 143));
  };
  process.once('SIGINT', stopAndExit).once('SIGTERM', stopAndExit);
  return () => process.off('SIGINT', stopAndExit).off('SIGTERM', stopAndExit);
}
