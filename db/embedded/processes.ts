import { execFile, spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { promisify } from 'node:util';

/** The operating-system user that a program runs as; undefined means that of this process. */
export interface Account {
  uid: number;
  gid: number;
}

/** Returns '' when there is no such process. Throws other errors (no file handle left): they must not count as "dead". */
async function readCommandLine(pid: number): Promise<string> {
  try {
    return await readFile(`/proc/${pid}/cmdline`, 'utf8');
  } catch (error) {
    if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return '';
    throw error;
  }
}

/** Returns true when `pid` is a running PostgreSQL server (postmaster) that was started with `-D directory`. */
export async function isPostmaster(pid: number, directory: string): Promise<boolean> {
  if (process.platform === 'linux') {
    const argv = (await readCommandLine(pid)).split('\0');
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
 * Returns the environment of child processes. That of this process contains secrets (DATABASE_URL, keys) that the server
 * does not need, and may contain PG* or LD_LIBRARY_PATH variables that would affect it. Windows programs need theirs.
 */
export function cleanEnvironment(): { env?: NodeJS.ProcessEnv } {
  return process.platform === 'win32' ? {} : { env: { PATH: '/usr/bin:/bin:/usr/sbin:/sbin', LC_ALL: 'C', TZ: 'UTC' } };
}

/** Runs a program to its end. Returns its exit code (-1 if it could not start or was killed) and its output. */
export function run(
  program: string,
  args: string[],
  options: { account?: Account | undefined; input?: string } = {},
): Promise<{ code: number; output: string }> {
  return new Promise((resolve) => {
    // cwd '/': the account may not be allowed to enter that of this process, and initdb fails when it cannot read its own.
    const child = spawn(program, args, { ...cleanEnvironment(), ...options.account, cwd: '/', windowsHide: true });
    let printed = '';
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text) => (printed += text));
    child.on('error', (error) => resolve({ code: -1, output: String(error) }));
    child.on('close', (code) => resolve({ code: code ?? -1, output: printed }));
    // The exit code decides about a program that exits without reading its input, not the broken pipe.
    child.stdin.on('error', () => {}).end(options.input ?? '');
  });
}
