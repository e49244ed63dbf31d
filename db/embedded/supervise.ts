import { setTimeout as delay } from 'node:timers/promises';
import type { Location } from './location.ts';
import { launch } from './postmaster.ts';
import type { Postmaster } from './shutdown.ts';

const CHECK_INTERVAL_MS = 250;
const RETRY_PAUSE_MS = 2_000;

/** Keeps a server running. */
interface Supervisor {
  /** Ends the supervision. Returns the latest server, running or not. */
  end(): Promise<Postmaster>;
}

/**
 * Restarts the server on the same port whenever it exits by itself (killed, out of memory), so that its URL stays valid.
 * It polls, because an adopted server is not a child process and its exit raises no event.
 */
export function supervise(first: Postmaster, location: Location, log: (message: string) => void): Supervisor {
  const ended = new AbortController();
  let postmaster = first;

  async function poll(): Promise<void> {
    while (await pause(CHECK_INTERVAL_MS, ended.signal)) {
      if (!(await postmaster.isGone())) continue;
      try {
        postmaster = await launch(location, log, async () => first.port);
        log('PostgreSQL was restarted.');
      } catch (error) {
        log(`PostgreSQL could not be restarted: ${error instanceof Error ? error.message : error}`);
        await pause(RETRY_PAUSE_MS, ended.signal);
      }
    }
  }

  const polling = poll();
  return {
    async end() {
      ended.abort();
      await polling;
      return postmaster;
    },
  };
}

/** Waits. Returns false when the supervision has ended or ends meanwhile. Does not keep the process alive. */
function pause(ms: number, signal: AbortSignal): Promise<boolean> {
  return delay(ms, true, { signal, ref: false }).catch(() => false);
}
