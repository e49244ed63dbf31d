import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { appendFileSync, readFileSync } from 'node:fs';

/**
 * Names one process for all time: `<pid>.<hash of its start time>`. A pid alone comes back after a while, and what was
 * kept for the killed process would then seem to belong to a stranger.
 *
 * @param {number} pid
 * @returns {string | undefined} undefined when no such process lives
 */
export function identify(pid) {
  const start = startOf(pid);
  if (start === undefined) return undefined;
  return `${pid}.${createHash('sha256').update(start).digest('hex').slice(0, 12)}`;
}

/** @param {string} identity */
export function isAlive(identity) {
  return identify(pidOf(identity)) === identity;
}

/** @param {string} identity */
export function pidOf(identity) {
  return Number.parseInt(identity, 10);
}

/**
 * Enters a child in its parent's file: what the parent holds, the child goes on holding when the parent is killed.
 * (An `npm ci` does not end with the process that started it.)
 *
 * @param {string} file
 * @param {number | undefined} pid
 */
export function enterChild(file, pid) {
  const identity = pid === undefined ? undefined : identify(pid);
  if (identity) appendFileSync(file, `${identity}\n`);
}

/**
 * The process that keeps a file of `owner`'s in force: the owner, or a child of it that outlived it.
 *
 * The order matters: only when the owner is seen to be dead is the list of its children final.
 *
 * @param {string} file
 * @param {string} owner
 * @returns {number | undefined} its pid; undefined when the file means nothing any more
 */
export function keeperOf(file, owner) {
  if (isAlive(owner)) return pidOf(owner);
  const child = readIfThere(file)
    ?.split('\n')
    .find((line) => line !== '' && isAlive(line));
  return child === undefined ? undefined : pidOf(child);
}

/** @param {string} file */
function readIfThere(file) {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}

/**
 * @param {number} pid
 * @returns {string | undefined}
 */
function startOf(pid) {
  try {
    if (process.platform === 'linux') return startOnLinux(pid);
    if (process.platform === 'win32') return startOnWindows(pid);
    return startByPs(pid);
  } catch {
    return undefined;
  }
}

/** Start time in ticks since boot, hence with the boot's own id. A zombie is dead: it waits only to be counted. */
function startOnLinux(pid) {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  // The second field is the program's name, which may itself contain blanks and parentheses.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  if (fields[0] === 'Z' || fields[0] === 'X') return undefined;
  return `${readFileSync('/proc/sys/kernel/random/boot_id', 'latin1')} ${fields[19]}`;
}

function startByPs(pid) {
  const options = {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
    env: { ...process.env, LC_ALL: 'C', TZ: 'UTC' },
  };
  const [state, ...start] = execFileSync('ps', ['-o', 'stat=', '-o', 'lstart=', '-p', `${pid}`], options)
    .trim()
    .split(/\s+/);
  return state?.startsWith('Z') ? undefined : start.join(' ');
}

function startOnWindows(pid) {
  const query = `(Get-Process -Id ${pid} -ErrorAction Stop).StartTime.ToFileTimeUtc()`;
  const options = { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'], windowsHide: true };
  return execFileSync('powershell.exe', ['-NoProfile', '-NonInteractive', '-Command', query], options).trim();
}
