import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline/promises';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import type { Cli } from './cli.ts';

/** Creates the surroundings of a command from this process. */
export function createCli({ baseDir, version }: Pick<Cli, 'baseDir' | 'version'>): Cli {
  const { env, platform, stdin, stdout, stderr } = process;
  // A reader that stops reading, such as `head`, ends the command.
  stdout.on('error', () => process.exit(0));
  return {
    env,
    platform,
    cwd: process.cwd(),
    script: process.argv[1] ?? '',
    baseDir,
    version,
    print: (line) => void stdout.write(`${line}\n`),
    note: (line) => void stderr.write(`${line}\n`),
    status: stderr.isTTY ? (line) => void stderr.write(`\r\u001b[K${line}`) : undefined,
    output: stdout,
    confirm: stdin.isTTY ? confirm : undefined,
    input: stdin.isTTY ? undefined : () => text(stdin),
    columns: stdout.isTTY ? stdout.columns : undefined,
    openBrowser: (url) => openBrowser(url, env, platform),
    openEditor,
    delay: async (ms) => void (await delay(ms)),
    exitCode: 0,
  };
}

/** Asks a question on the terminal. Only "y" and "yes" confirm. */
async function confirm(question: string): Promise<boolean> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  const reply = await terminal.question(question).finally(() => terminal.close());
  return /^y(es)?$/i.test(reply.trim());
}

/** Opens an address in the browser of the desktop. A remote terminal has none. */
function openBrowser(url: string, env: NodeJS.ProcessEnv, platform: NodeJS.Platform): boolean {
  if (platform === 'linux' && !env.DISPLAY && !env.WAYLAND_DISPLAY && !env.WSL_DISTRO_NAME) return false;
  const command = { darwin: 'open', win32: 'explorer.exe' }[platform as string] ?? 'xdg-open';
  const child = spawn(command, [url], { stdio: 'ignore', detached: true });
  child.on('error', () => undefined);
  child.unref();
  return true;
}

function openEditor(path: string): Promise<number> {
  const editor = process.env.VISUAL || process.env.EDITOR || (process.platform === 'win32' ? 'notepad' : 'vi');
  return new Promise((resolve, reject) => {
    const child = spawn(`${editor} "${path}"`, { stdio: 'inherit', shell: true });
    child.on('error', reject);
    child.on('close', (code) => resolve(code ?? 1));
  });
}
