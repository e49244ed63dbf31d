import { execFile, spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { promisify } from 'node:util';

/** The operating-system user a program is started as; undefined means "as ourselves". */
export interface Account {
  uid: number;
  gid: number;
}

/** Empty if there is no such process. Any other failure (no file handle left) is thrown: it must not pass for "dead". */
async function readOfProcess(pid: number, file: 'cmdline'): Promise<string> {
  try {
    return await readFile(`/proc/${pid}/${file}`, 'utf8');
  } catch (error) {
    if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return '';
    throw error;
  }
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
