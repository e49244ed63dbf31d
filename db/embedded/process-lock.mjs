import { execFileSync } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import {
  chmodSync,
  linkSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { connect, createServer } from 'node:net';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

/*
 * A lock between processes. It is the only one of this project: of a data directory (db/embedded/start.ts), and of a
 * checkout and its running commands (scripts/bootstrap, which runs before anything is installed or compiled; hence
 * JavaScript without dependencies, with its types in process-lock.d.mts).
 *
 * Node has no flock(), so the lock is a file `<name>.lock.<n>` that names its owner by pid and start time: `kill -9`
 * frees it at once, and a reused pid does not hold it. Two processes may find a dead owner at the same moment, and only
 * one may take over. Hence generations:
 *   - the highest number is the lock, and the highest file is never removed, only marked `released`;
 *   - a process that finds it dead or released creates the next number by link(), which fails if that name exists;
 *   - a process that created a number lists the files again, and gives up if a higher one has appeared.
 * link() also makes the file appear with its content complete.
 *
 * The pid of an owner in another pid space (a container that shares the volume, this machine before a reboot) means
 * nothing here. So an owner touches its file every two seconds, and such a file counts as held while it is touched.
 *
 * On Windows the lock is a named pipe, which one process can listen on and which ends with it. There, share() does nothing.
 */
const HEARTBEAT_MS = 2_000;
const SILENCE_MS = 5_000;
const LONG_SILENCE_MS = 60_000;

export class LockHeld extends Error {
  /** @param {number | undefined} pid */
  constructor(pid) {
    super(`held by process ${pid}`);
    this.pid = pid;
  }
}

/** @type {typeof import('./process-lock.mjs').acquireLock} */
export async function acquireLock(directory, name = 'owner') {
  if (process.platform === 'win32') return acquirePipe(directory, name);
  const owner = { ...identify(process.pid), space: pidSpace() };
  for (;;) {
    const generation = Math.max(0, ...generations(directory, name));
    const pid = await holderOfFile(fileOf(directory, name, generation));
    if (pid !== undefined) throw new LockHeld(pid);
    if (claim(directory, name, generation + 1, owner)) return hold(fileOf(directory, name, generation + 1), owner);
  }
}

/** @type {typeof import('./process-lock.mjs').holderOf} */
export async function holderOf(directory, name = 'owner') {
  if (process.platform === 'win32') return (await isListening(directory, name)) ? pidOfPipe(directory, name) : null;
  return (await holderOfFile(fileOf(directory, name, Math.max(0, ...generations(directory, name))))) ?? null;
}

const fileOf = (directory, name, generation) => join(directory, `${name}.lock.${generation}`);

function generations(directory, name) {
  const prefix = `${name}.lock.`;
  const numbers = readdirSync(directory).map((file) => (file.startsWith(prefix) ? file.slice(prefix.length) : ''));
  return numbers.filter((number) => /^\d+$/.test(number)).map(Number);
}

function claim(directory, name, generation, owner) {
  const file = fileOf(directory, name, generation);
  const draft = join(directory, `${name}.draft.${randomUUID()}`);
  writeOwner(draft, owner);
  try {
    linkSync(draft, file);
  } catch (error) {
    if (error.code !== 'EEXIST') throw error;
    return false;
  } finally {
    rmSync(draft, { force: true });
  }
  const all = generations(directory, name);
  const isOutdated = all.some((other) => other > generation);
  const superfluous = isOutdated ? [generation] : all.filter((other) => other < generation);
  for (const other of superfluous) rmSync(fileOf(directory, name, other), { force: true });
  return !isOutdated;
}

function hold(file, owner) {
  const heartbeat = setInterval(() => {
    try {
      utimesSync(file, new Date(), new Date());
    } catch {
      // The directory was removed: there is nothing left to hold.
    }
  }, HEARTBEAT_MS).unref();
  const children = [];
  return {
    share(pid) {
      const child = pid === undefined ? undefined : identify(pid);
      if (child?.started) children.push(child);
      replaceOwner(file, { ...owner, children });
    },
    release() {
      clearInterval(heartbeat);
      replaceOwner(file, { ...owner, released: true });
    },
  };
}

function replaceOwner(file, owner) {
  const draft = `${file}.${randomUUID()}`;
  try {
    writeOwner(draft, owner);
    renameSync(draft, file);
  } catch (error) {
    if (error.code !== 'ENOENT') throw error;
  }
}

function writeOwner(file, owner) {
  writeFileSync(file, JSON.stringify(owner));
  // Whatever the umask: other users (root today, an ordinary user tomorrow) must be able to read the owner.
  chmodSync(file, 0o644);
}

/** Returns the pid of the owner or, after its death, of a process that it shared the lock with. */
async function holderOfFile(file) {
  const owner = readOwner(file);
  if (!owner || owner.released) return undefined;
  if (owner.space !== pidSpace()) return (await isTouched(file)) ? owner.pid : undefined;
  if (isAlive(owner)) return owner.pid;
  // Read again: now that the owner is dead, its list of children is final.
  return readOwner(file)?.children?.find(isAlive)?.pid;
}

/** Returns undefined when the file is gone (claiming the next number then decides) or was emptied by a power cut. */
function readOwner(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    // Anything else, such as a file that may not be read, must not count as "free".
    if (error instanceof SyntaxError || error.code === 'ENOENT') return undefined;
    throw error;
  }
}

async function isTouched(file) {
  const touched = () => statSync(file, { throwIfNoEntry: false })?.mtimeMs;
  const first = touched();
  if (first === undefined || Date.now() - first > LONG_SILENCE_MS) return false;
  for (const end = Date.now() + SILENCE_MS; Date.now() < end; await delay(100)) {
    if (touched() !== first) return true;
  }
  return false;
}

const identify = (pid) => ({ pid, started: startOf(pid) });

const isAlive = ({ pid, started }) => startOf(pid) === started;

/** Returns when a process started, in a form that only compares for equality; null if it is dead or a zombie. */
function startOf(pid) {
  if (process.platform !== 'linux') return startByPs(pid);
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The second field is the program's name in parentheses and may itself contain spaces and parentheses.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' || fields[0] === 'X' ? null : fields[19];
  } catch (error) {
    // Any other error (no file handle left) must not count as "dead".
    if (['ENOENT', 'ESRCH'].includes(error.code)) return null;
    throw error;
  }
}

function startByPs(pid) {
  try {
    const env = { PATH: '/usr/bin:/bin:/usr/sbin:/sbin', LC_ALL: 'C', TZ: 'UTC' };
    const stdio = ['ignore', 'pipe', 'ignore'];
    const line = execFileSync('ps', ['-o', 'stat=,lstart=', '-p', `${pid}`], { env, stdio, encoding: 'utf8' }).trim();
    return line.startsWith('Z') ? null : line.replace(/^\S+\s+/, '');
  } catch {
    return null;
  }
}

/** Within one boot of a machine and, on Linux, one pid namespace (a container has its own), a pid names one process. */
function pidSpace() {
  if (process.platform !== 'linux') return hostname();
  try {
    return `${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()} ${readlinkSync('/proc/self/ns/pid')}`;
  } catch {
    return hostname();
  }
}

const pipeOf = (directory, name) =>
  `\\\\.\\pipe\\whitemagic-${createHash('sha256').update(join(directory, name).toLowerCase()).digest('hex')}`;

function pidOfPipe(directory, name) {
  try {
    return Number(readFileSync(join(directory, `${name}.pid`), 'utf8'));
  } catch {
    return 0;
  }
}

async function acquirePipe(directory, name) {
  const server = createServer((socket) => socket.destroy());
  await new Promise((resolve, reject) => {
    server.once('error', reject).listen(pipeOf(directory, name), () => resolve(undefined));
  }).catch((error) => {
    if (error.code !== 'EADDRINUSE') throw error;
    throw new LockHeld(pidOfPipe(directory, name) || undefined);
  });
  server.unref();
  writeFileSync(join(directory, `${name}.pid`), `${process.pid}`);
  return { share: () => undefined, release: () => void server.close() };
}

function isListening(directory, name) {
  return new Promise((resolve) => {
    const socket = connect(pipeOf(directory, name));
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}
