import { execFile, spawn } from 'node:child_process';
import { readFile, readlink } from 'node:fs/promises';
import { hostname } from 'node:os';
import { basename } from 'node:path';
import { promisify } from 'node:util';

/** The operating-system user a program is started as; undefined means "as ourselves". */
export interface Account {
  uid: number;
  gid: number;
}

/**
 * When a process began, in a form that only compares for equality, or undefined if no such process lives (a zombie
 * does not). Pids are handed out again, so a pid alone never proves who a process is; pid and start together do.
 */
export async function startOf(pid: number): Promise<string | undefined> {
  if (process.platform !== 'linux') return startByPs(pid);
  const stat = await readOfProcess(pid, 'stat');
  // The second field is the program's name in parentheses and may itself hold spaces and parentheses.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields[0] === 'Z' || fields[0] === 'X' ? undefined : fields[19];
}

/** Empty if there is no such process. Any other failure (no file handle left) is thrown: it must not pass for "dead". */
async function readOfProcess(pid: number, file: 'stat' | 'cmdline'): Promise<string> {
  try {
    return await readFile(`/proc/${pid}/${file}`, 'utf8');
  } catch (error) {
    if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return '';
    throw error;
  }
}

async function startByPs(pid: number): Promise<string | undefined> {
  const line = await output('ps', ['-o', 'stat=,lstart=', '-p', String(pid)]);
  return !line || line.startsWith('Z') ? undefined : line.replace(/^\S+\s+/, '');
}

/**
 * The world in which a pid means something: a boot of a machine and, on Linux, a pid namespace (a container has its
 * own). A pid from another space says nothing here.
 */
export async function pidSpace(): Promise<string> {
  if (process.platform !== 'linux') return hostname();
  const boot = await readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => hostname());
  return `${boot.trim()} ${await readlink('/proc/self/ns/pid').catch(() => '')}`;
}

/** Whether `pid` is, right now, a PostgreSQL server (postmaster) that was started with `-D directory`. */
export async function isPostmaster(pid: number, directory: string): Promise<boolean> {
  if (process.platform === 'linux') {
    const argv = (await readOfProcess(pid, 'cmdline')).split('\0');
    return basename(argv[0] ?? '') === 'postgres' && argv.includes(directory);
  }
  const line = process.platform === 'win32' ? await commandByCim(pid) : await commandByPs(pid);
  return line.includes('postgres') && line.includes(directory);
}

const commandByPs = (pid: number) => output('ps', ['-ww', '-o', 'command=', '-p', String(pid)]);

const commandByCim = (pid: number) =>
  output('powershell', [
    '-NoProfile',
    '-Command',
    `(Get-CimInstance Win32_Process -Filter "ProcessId=${pid}").CommandLine`,
  ]);

async function output(program: string, args: string[]): Promise<string> {
  const options = { ...cleanEnvironment(), windowsHide: true };
  const { stdout } = await promisify(execFile)(program, args, options).catch(() => ({ stdout: '' }));
  return stdout.trim();
}

/**
 * The environment of everything we spawn: our own holds secrets (DATABASE_URL, keys) that the server has no need of,
 * and PG* or LD_LIBRARY_PATH variables that would change what it does. Windows programs fail without theirs.
 */
export function cleanEnvironment(): { env?: NodeJS.ProcessEnv } {
  return process.platform === 'win32' ? {} : { env: { PATH: '/usr/bin:/bin:/usr/sbin:/sbin', LC_ALL: 'C', TZ: 'UTC' } };
}

/** Runs a program to its end; resolves with its exit code (-1 if it could not start or was killed) and all it printed. */
export function run(
  program: string,
  args: string[],
  options: { account?: Account | undefined; input?: string } = {},
): Promise<{ code: number; output: string }> {
  return new Promise((resolve) => {
    // cwd '/': the account may not be allowed into ours, and initdb refuses to run where it cannot say where it is.
    const child = spawn(program, args, { ...cleanEnvironment(), ...options.account, cwd: '/', windowsHide: true });
    let printed = '';
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text) => (printed += text));
    child.on('error', (error) => resolve({ code: -1, output: String(error) }));
    child.on('close', (code) => resolve({ code: code ?? -1, output: printed }));
    // A program that ends without reading its input is judged by its exit code, not by the broken pipe.
    child.stdin.on('error', () => {}).end(options.input ?? '');
  });
}
