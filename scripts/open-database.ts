import { setTimeout as delay } from 'node:timers/promises';
import type { Config } from '../api/config.ts';
import { DataDirInUse, type EmbeddedDatabase, findEmbedded, startEmbedded } from '../db/embedded/start.ts';

/** How long a service that has taken the data directory may need until its database answers. */
const PATIENCE_MS = 30_000;

/**
 * Opens the database that a configuration means, does something with it, and closes it again: the one that the settings
 * name; else the one that a running service keeps in DATA_DIR; else the one in DATA_DIR, started for the moment.
 * `work` gets the URL of the role that owns the tables. Migrates nothing.
 * @throws DataDirInUse when another process holds DATA_DIR and its database does not come to answer
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

/** The URL of a running service's database, or one of our own to be stopped. */
async function findOrStart(dataDir: string): Promise<string | EmbeddedDatabase> {
  for (const end = Date.now() + PATIENCE_MS; ; await delay(100)) {
    const running = await findEmbedded(dataDir);
    if (running) return running;
    try {
      return await startEmbedded({ dataDir, log: (line) => process.stderr.write(`${line}\n`) });
    } catch (error) {
      // Somebody holds the directory whose database does not answer yet: a service that starts at this moment.
      if (!(error instanceof DataDirInUse) || Date.now() > end) throw error;
    }
  }
}

/** Ends the server before ourselves; it would outlive us otherwise. Answers how to undo that. */
function stopOnSignal(embedded: EmbeddedDatabase): () => void {
  const leave = (signal: NodeJS.Signals) => {
    void embedded.stop().finally(() => process.exit(signal === 'SIGINT' ? 130 : 143));
  };
  process.once('SIGINT', leave).once('SIGTERM', leave);
  return () => process.off('SIGINT', leave).off('SIGTERM', leave);
}
