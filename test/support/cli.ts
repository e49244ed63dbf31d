import { PassThrough } from 'node:stream';
import type { Cli } from '../../mcp/cli/cli.ts';

/** Surroundings of a command that records what it prints. */
export interface TestCli extends Cli {
  printed(): string;
  noted(): string;
  /** Addresses that were opened in the browser. */
  opened: string[];
}

/** Creates the surroundings of a command without a terminal. Waiting takes no time. */
export function testCli(options: Partial<Cli> = {}): TestCli {
  const [printed, noted, opened]: string[][] = [[], [], []];
  return {
    env: {},
    platform: 'linux',
    cwd: '/',
    script: '/opt/whitemagic/dist/whitemagic.js',
    baseDir: '/nonexistent',
    version: '0.1.0',
    print: (line) => void printed?.push(line),
    note: (line) => void noted?.push(line),
    status: undefined,
    output: new PassThrough(),
    confirm: undefined,
    input: undefined,
    columns: undefined,
    openBrowser: (url) => {
      opened?.push(url);
      return true;
    },
    openEditor: async () => 1,
    delay: async () => undefined,
    exitCode: 0,
    ...options,
    printed: () => (printed ?? []).join('\n'),
    noted: () => (noted ?? []).join('\n'),
    opened: opened ?? [],
  };
}
