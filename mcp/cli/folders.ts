import { homedir } from 'node:os';
import { join } from 'node:path';
import type { Folders } from '../client-setup/edits.ts';

/** The system that this program runs on. Tests give their own. */
export interface Host {
  env: NodeJS.ProcessEnv;
  platform: NodeJS.Platform;
}

/** Returns the folders in which clients keep their settings, with slashes on every system. */
export function clientFolders({ env, platform }: Host): Folders {
  const home = slashes(homeOf({ env, platform }));
  const xdg = slashes(nonEmpty(env.XDG_CONFIG_HOME) ?? `${home}/.config`);
  const appData = {
    darwin: `${home}/Library/Application Support`,
    win32: slashes(nonEmpty(env.APPDATA) ?? `${home}/AppData/Roaming`),
  }[platform as string];
  return {
    home,
    xdg,
    appData: appData ?? xdg,
    env: (name) => {
      const value = nonEmpty(env[name]);
      return value === undefined ? undefined : slashes(value);
    },
  };
}

/** Returns the folder of this program's own settings. */
export function configFolder({ env, platform }: Host): string {
  if (platform === 'win32')
    return join(nonEmpty(env.APPDATA) ?? join(homeOf({ env, platform }), 'AppData', 'Roaming'), 'whitemagic');
  return join(nonEmpty(env.XDG_CONFIG_HOME) ?? join(homeOf({ env, platform }), '.config'), 'whitemagic');
}

/** Returns the folder in which this program keeps a copy of itself, if npx runs it. */
export function programFolder({ env, platform }: Host): string {
  const home = homeOf({ env, platform });
  if (platform === 'win32')
    return join(nonEmpty(env.LOCALAPPDATA) ?? join(home, 'AppData', 'Local'), 'whitemagic', 'cli');
  return join(nonEmpty(env.XDG_DATA_HOME) ?? join(home, '.local', 'share'), 'whitemagic', 'cli');
}

function homeOf({ env, platform }: Host): string {
  return nonEmpty(platform === 'win32' ? env.USERPROFILE : env.HOME) ?? homedir();
}

function nonEmpty(value: string | undefined): string | undefined {
  return value === '' ? undefined : value;
}

function slashes(path: string): string {
  return path.replaceAll('\\', '/');
}
