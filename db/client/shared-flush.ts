import { UnknownOutcomeError } from './retry.ts';

/**
 * Waits until what was committed before the call is on disk. Calls that arrive while one flush is under way share the next.
 * @throws the error of the flush
 */
type SharedFlush = () => Promise<void>;

/**
 * Creates a {@link SharedFlush}. A flush that has begun may have passed the commit of a later caller, so that one waits for the next.
 * @param flush makes everything durable that was committed before it is called
 */
function shareFlush(flush: () => Promise<void>): SharedFlush {
  let running: Promise<void> = Promise.resolve();
  let next: Promise<void> | undefined;
  return () => {
    next ??= running
      .catch(() => undefined)
      .then(() => {
        next = undefined;
        running = flush();
        return running;
      });
    return next;
  };
}

/**
 * Returns a function that runs a write. Writes that run at the same time commit before they are on disk, so that they hold their locks and
 * connections no longer than they must, and then wait for a flush together. One alone waits for its own commit, which is a round trip less.
 * @throws UnknownOutcomeError when the flush fails: the write is committed, but may be lost if the server crashes now
 */
export function createFlushTogether(flush: () => Promise<void>) {
  const shared = shareFlush(flush);
  let active = 0;
  return async <T>(write: (commitsBeforeFlush: () => boolean) => Promise<T>): Promise<T> => {
    let isFlushed = true;
    active++;
    const result = await write(() => {
      isFlushed = active === 1;
      return !isFlushed;
    }).finally(() => {
      active--;
    });
    if (!isFlushed) {
      await shared().catch((error) => {
        throw new UnknownOutcomeError(error);
      });
    }
    return result;
  };
}

/** Sent ahead of a commit: it returns before its record is on disk, and gives up its locks that much earlier. */
export const COMMIT_BEFORE_FLUSH = {
  name: 'commit_before_flush',
  text: "select set_config('synchronous_commit', 'off', true)",
};

/** A transaction of its own whose commit waits until it, and so every earlier one, is on disk, and on the replicas the server waits for. */
export const FLUSH = {
  name: 'flush',
  text: "select pg_logical_emit_message(true, 'whitemagic', '')",
};
