/** Thrown when another live process holds the lock. */
export class LockHeld extends Error {
  /** That process, where it can be known. */
  pid: number | undefined;
  constructor(pid: number | undefined);
}

/** Held until it is released or its process ends, even by `kill -9`. */
export interface Lock {
  /** Makes a child process hold the lock too, in case that its parent is killed. */
  share(pid: number | undefined): void;
  release(): void;
}

/**
 * Acquires a lock of an existing directory. Files in it whose names begin with `<name>.` belong to the lock.
 *
 * @throws LockHeld at once; up to 5 s later if the holder seems to be in another container
 */
export function acquireLock(directory: string, name?: string): Promise<Lock>;

/** Returns the pid of the process that holds a lock, or null. */
export function holderOf(directory: string, name?: string): Promise<number | null>;
