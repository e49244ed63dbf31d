import { accessSync, constants, existsSync, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import type { Client } from '../../client-setup/clients.ts';
import type { Folders } from '../../client-setup/edits.ts';
import type { Host } from '../folders.ts';

/** Checks whether a client is installed: a program of it is on the PATH, or it has left files. */
export function isInstalled(client: Client, folders: Folders, host: Host): boolean {
  return (
    client.traces(folders).some((path) => existsSync(path)) ||
    client.programs.some((name) => findProgram(name, host) !== undefined)
  );
}

/** Returns the path of a program that the PATH leads to. */
export function findProgram(name: string, { env, platform }: Host): string | undefined {
  const endings = platform === 'win32' ? ['.cmd', '.exe', '.bat'] : [''];
  const folders = (env.PATH ?? '').split(delimiter).filter((folder) => folder !== '');
  return folders.flatMap((folder) => endings.map((ending) => join(folder, name + ending))).find(isProgram);
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

/** Returns the file of a client that holds its servers: the first that exists, or else the first. */
export function configFile(client: Client, folders: Folders): string {
  const files = client.files(folders);
  return files.find((path) => existsSync(path)) ?? (files[0] as string);
}
