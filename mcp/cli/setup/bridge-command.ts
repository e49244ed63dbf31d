import { cpSync, mkdirSync, realpathSync, renameSync, rmSync } from 'node:fs';
import { dirname, join, sep } from 'node:path';
import { type Host, programFolder } from '../folders.ts';
import { findProgram } from './detect.ts';

/** Settings of the network that a client does not pass on to the programs it starts. */
const NETWORK = ['NODE_EXTRA_CA_CERTS', 'NODE_USE_ENV_PROXY', 'HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY'];

/** A program that speaks MCP on its stdin and stdout. */
export interface BridgeCommand {
  command: string;
  args: string[];
  env: Record<string, string>;
  /** Folder to copy and its destination, where the program is in a folder that npx deletes. */
  copy?: { from: string; to: string };
}

/**
 * Returns the command that starts the bridge of this program, by absolute paths: clients on a desktop have another PATH than a terminal.
 * @param script the running program
 */
export function bridgeCommand(script: string, host: Host): BridgeCommand {
  const path = realpathSync(script);
  const env = Object.fromEntries(NETWORK.flatMap((name) => (host.env[name] ? [[name, host.env[name]]] : [])));
  const command = nodePath(host);
  if (!isTemporary(path)) return { command, args: [path, 'mcp'], env };
  const to = programFolder(host);
  // The package: its manifest beside the folder of the program.
  return { command, args: [join(to, 'dist', 'whitemagic.js'), 'mcp'], env, copy: { from: dirname(dirname(path)), to } };
}

/** Copies the program. The former copy is replaced at once: a bridge may start meanwhile. */
export function copyProgram({ from, to }: NonNullable<BridgeCommand['copy']>): void {
  mkdirSync(dirname(to), { recursive: true });
  const [draft, former] = [`${to}.${process.pid}.new`, `${to}.${process.pid}.old`];
  cpSync(from, draft, { recursive: true });
  try {
    renameSync(to, former);
  } catch {
    // There is no former copy.
  }
  renameSync(draft, to);
  rmSync(former, { recursive: true, force: true });
}

/** Returns the `node` of the PATH if it is this one, since its path outlives an update, or else the path of this one. */
function nodePath(host: Host): string {
  const found = findProgram('node', host);
  return found !== undefined && realpathSync(found) === realpathSync(process.execPath) ? found : process.execPath;
}

/** Checks for the caches in which npx, pnpm and yarn keep a program that they run once. */
function isTemporary(path: string): boolean {
  return ['_npx', 'dlx', 'bunx'].some((name) => path.includes(`${sep}${name}`));
}
