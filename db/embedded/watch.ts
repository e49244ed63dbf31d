import { setTimeout as delay } from 'node:timers/promises';
import type { Place } from './place.ts';
import { launch, type Postmaster } from './postmaster.ts';

const LOOK_EVERY_MS = 250;
const RETRY_AFTER_MS = 2_000;

/** Keeps a server running. */
export interface Watch {
  /** Ends the watch and answers the server as it is then, running or not. */
  end(): Promise<Postmaster>;
}

/**
 * Starts the server anew whenever it ends by itself (killed, out of memory), on the same port, so that whoever has its
 * URL finds it again. A server that was adopted is no child of ours and tells nobody of its end: so this looks.
 */
export function keepRunning(first: Postmaster, place: Place, log: (message: string) => void): Watch {
  const ended = new AbortController();
  let postmaster = first;

  async function look(): Promise<void> {
    while (await pause(LOOK_EVERY_MS, ended.signal)) {
      if (!(await postmaster.isGone())) continue;
      try {
        postmaster = await launch(place, log, async () => first.port);
        log('PostgreSQL runs again.');
      } catch (error) {
        log(`PostgreSQL could not be started again: ${error instanceof Error ? error.message : error}`);
        await pause(RETRY_AFTER_MS, ended.signal);
      }
    }
  }

  const looking = look();
  return {
    async end() {
      ended.abort();
      await looking;
      return postmaster;
    },
  };
}

/** Waits, unless the watch has ended or ends meanwhile: then false. Holds no process open. */
function pause(ms: number, signal: AbortSignal): Promise<boolean> {
  return delay(ms, true, { signal, ref: false }).catch(() => false);
}
