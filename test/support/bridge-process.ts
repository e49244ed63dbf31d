import { type ChildProcessWithoutNullStreams, type SpawnOptions, spawn } from 'node:child_process';
import { resolve } from 'node:path';
import type { JsonRpcMessage } from './bridge-pipe.ts';

export const checkout = resolve(import.meta.dirname, '../..');
export const bridgeFile = resolve(checkout, 'mcp/cli/whitemagic.ts');

/** Arguments that run the command from its source. The loader has an absolute path, for any working directory. */
export const fromSource = ['--import', import.meta.resolve('tsx'), bridgeFile];

/** Returns an environment without the developer's own WhiteMagic settings. */
export function cleanEnv(more: Record<string, string> = {}): Record<string, string> {
  const { PATH = '', HOME = '' } = process.env;
  return { PATH, HOME, DATA_DIR: '/nonexistent', ...more };
}

/** A process whose output is recorded. */
export class Run {
  readonly child: ChildProcessWithoutNullStreams;
  readonly exited: Promise<{ code: number | null; signal: string | null }>;
  stdout = '';
  stderr = '';

  constructor(args: string[], env: Record<string, string>, options: SpawnOptions = {}, command = process.execPath) {
    this.child = spawn(command, args, { cwd: '/', ...options, env, stdio: 'pipe' }) as ChildProcessWithoutNullStreams;
    this.child.stdout.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += text;
    });
    this.child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
    });
    this.child.stdin.on('error', () => undefined);
    this.exited = new Promise((done) => this.child.on('close', (code, signal) => done({ code, signal })));
  }

  send(message: object): void {
    this.child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
  }

  /** Parses every line of stdout as a JSON-RPC message. */
  messages(): JsonRpcMessage[] {
    return this.stdout
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as JsonRpcMessage);
  }

  answerTo(id: unknown): JsonRpcMessage | undefined {
    return this.messages().find((message) => message.id === id);
  }
}

/** Returns true while a process with this id exists. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
