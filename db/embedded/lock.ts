import { createHash, randomUUID } from 'node:crypto';
import { chmod, link, readdir, readFile, rename, stat, unlink, utimes, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { pidSpace, startOf } from './processes.ts';

/** Thrown when another live process holds the lock; `pid` is that process, where it can be known. */
export class LockHeld extends Error {
  pid: number | undefined;
  constructor(pid: number | undefined) {
    super(`held by process ${pid}`);
    this.pid = pid;
  }
}

export interface Lock {
  release(): Promise<void>;
}

interface Claim {
  pid: number;
  started: string | undefined;
  space: string;
  released?: true;
}

/*
 * How one process at a time owns a directory.
 *
 * Node has no flock(), so the lock is a file `owner.lock.<n>` that names its holder by pid AND start time: a kill -9
 * frees it at once, and a reused pid does not hold it. The difficulty of such files is taking over a dead one: between
 * reading "dead" and replacing it, somebody else may have done so. Hence generations:
 *   - the highest number is the lock, and the highest file is never removed, only marked `released`;
 *   - who finds it dead or released creates the next number by link(), which fails if that name exists: one winner;
 *   - who created a number looks again, and gives it up if a higher one has appeared (it had read an outdated listing).
 * link() also makes the file appear with its content complete, so nobody ever reads half a claim.
 *
 * A claim from another pid space (a container that shares the volume, the same machine before a reset) cannot be
 * checked by pid. A holder touches its file every two seconds; a file that nobody touches is dead.
 *
 * Windows has named pipes, which are exclusive and die with their process: there the pipe is the lock.
 */
const FILE = /^owner\.lock\.(\d+)$/;
const BEAT_MS = 2_000;
const SILENCE_MS = 5_000;
const LONG_SILENCE_MS = 60_000;

/** Takes the lock of a directory, or throws LockHeld. Held until released or until this process dies, however it dies. */
export async function acquire(directory: string): Promise<Lock> {
  if (process.platform === 'win32') return acquirePipe(directory);
  const claim: Claim = { pid: process.pid, started: await startOf(process.pid), space: await pidSpace() };
  for (;;) {
    const top = Math.max(0, ...(await generations(directory)));
    const holder = top > 0 ? await liveHolder(fileOf(directory, top)) : undefined;
    if (holder) throw new LockHeld(holder.pid);
    if (await claimed(directory, top + 1, claim)) return hold(fileOf(directory, top + 1), claim);
  }
}

/** The pid of the live process that holds a directory's lock, or null. Waits for nothing but a claim of another pid space. */
export async function holderOf(directory: string): Promise<number | null> {
  if (process.platform === 'win32') return (await pipeAnswers(directory)) ? pidInFile(directory) : null;
  const top = Math.max(0, ...(await generations(directory)));
  return top > 0 ? ((await liveHolder(fileOf(directory, top)))?.pid ?? null) : null;
}

const fileOf = (directory: string, generation: number) => join(directory, `owner.lock.${generation}`);

async function generations(directory: string): Promise<number[]> {
  const names = await readdir(directory);
  return names.flatMap((name) => FILE.exec(name)?.[1] ?? []).map(Number);
}

async function claimed(directory: string, generation: number, claim: Claim): Promise<boolean> {
  const file = fileOf(directory, generation);
  const draft = join(directory, `owner.draft.${randomUUID()}`);
  await writeFile(draft, JSON.stringify(claim));
  // Whatever our umask: another user (root today, ourselves tomorrow) must be able to read who holds it.
  await chmod(draft, 0o644);
  const won = await link(draft, file).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
      return false;
    },
  );
  await unlink(draft);
  if (!won) return false;
  const all = await generations(directory);
  const outdated = all.some((other) => other > generation);
  const superfluous = outdated ? [generation] : all.filter((other) => other < generation);
  for (const other of superfluous) await unlink(fileOf(directory, other)).catch(() => {});
  return !outdated;
}

function hold(file: string, claim: Claim): Lock {
  const beat = setInterval(() => void utimes(file, new Date(), new Date()).catch(() => {}), BEAT_MS).unref();
  return {
    async release() {
      clearInterval(beat);
      const draft = `${file}.${randomUUID()}`;
      // The directory may have been removed while we held it: then there is nothing left to release.
      await writeFile(draft, JSON.stringify({ ...claim, released: true }))
        .then(() => chmod(draft, 0o644))
        .then(() => rename(draft, file))
        .catch(() => {});
    },
  };
}

async function liveHolder(file: string): Promise<Claim | undefined> {
  const claim = await readClaim(file);
  if (!claim || claim.released) return undefined;
  if (claim.space !== (await pidSpace())) return (await isTouched(file)) ? claim : undefined;
  return (await startOf(claim.pid)) === claim.started ? claim : undefined;
}

/** Undefined if the file is gone since we looked (taking the next number then tells), or was emptied by a power cut. */
async function readClaim(file: string): Promise<Claim | undefined> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as Claim;
  } catch (error) {
    // Anything else, such as a claim we may not read, must not pass for "nobody holds it".
    if (error instanceof SyntaxError || (error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

async function isTouched(file: string): Promise<boolean> {
  const touched = () =>
    stat(file).then(
      ({ mtimeMs }) => mtimeMs,
      () => undefined,
    );
  const first = await touched();
  if (first === undefined || Date.now() - first > LONG_SILENCE_MS) return false;
  for (const end = Date.now() + SILENCE_MS; Date.now() < end; await delay(100)) {
    if ((await touched()) !== first) return true;
  }
  return false;
}

const pipeOf = (directory: string) =>
  `\\\\.\\pipe\\whitemagic-${createHash('sha256').update(directory.toLowerCase()).digest('hex')}`;

const pidInFile = async (directory: string) =>
  Number(await readFile(join(directory, 'owner.pid'), 'utf8').catch(() => 0));

async function acquirePipe(directory: string): Promise<Lock> {
  const server = createServer((socket) => socket.destroy());
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(pipeOf(directory), resolve)).catch(
    async (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EADDRINUSE') throw error;
      throw new LockHeld((await pidInFile(directory)) || undefined);
    },
  );
  server.unref();
  await writeFile(join(directory, 'owner.pid'), String(process.pid));
  return { release: () => new Promise((resolve) => server.close(() => resolve())) };
}

function pipeAnswers(directory: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(pipeOf(directory));
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}
