import { readFileSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';

/** Returns the root of the git repository that a folder is in: the nearest folder with `.git`. */
export function gitRoot(folder: string): string | undefined {
  for (let at = resolve(folder); ; at = dirname(at)) {
    if (statSync(join(at, '.git'), { throwIfNoEntry: false })) return at;
    if (dirname(at) === at) return undefined;
  }
}

/**
 * Returns the path of a repository at its host, such as `acme/shop`, from its remote `origin`, or else from the first one. Neither the
 * host nor a name or token in the address is part of it, so that every clone gives the same. Undefined without a remote.
 */
export function remotePath(root: string): string | undefined {
  const remotes = readRemotes(join(gitFolder(root), 'config'));
  const url = remotes.get('origin') ?? remotes.values().next().value;
  return url === undefined ? undefined : pathOf(url);
}

/** Returns the folder with the settings of a repository. Worktrees and submodules have a file that names theirs. */
function gitFolder(root: string): string {
  const at = join(root, '.git');
  const pointer = read(at);
  const named = /^gitdir: (.+)$/m.exec(pointer ?? '')?.[1];
  if (named === undefined) return at;
  const own = resolve(root, named.trim());
  const common = read(join(own, 'commondir'));
  return common === undefined ? own : resolve(own, common.trim());
}

/** Reads the addresses of the remotes in a git configuration, in their order. */
function readRemotes(file: string): Map<string, string> {
  const remotes = new Map<string, string>();
  let name: string | undefined;
  for (const line of (read(file) ?? '').split('\n')) {
    const section = /^\s*\[\s*([^\]"\s]+)\s*(?:"((?:[^"\\]|\\.)*)")?\s*\]/.exec(line);
    if (section) name = section[1]?.toLowerCase() === 'remote' ? section[2] : undefined;
    const url = /^\s*url\s*=\s*"?([^"#;]+?)"?\s*$/i.exec(line)?.[1];
    if (name !== undefined && url !== undefined && !remotes.has(name)) remotes.set(name, url);
  }
  return remotes;
}

/** Returns the path in an address: of `https://host/acme/shop.git` and `git@host:acme/shop.git`, or the last folder of a local one. */
function pathOf(url: string): string | undefined {
  const isWeb = /^(?:https?|ssh|git|git\+ssh):\/\//i.test(url);
  const scp = isWeb ? undefined : /^(?:[^@/:\\]+@)?[^/:\\]{2,}:(?!\\|\/\/)(.+)$/.exec(url)?.[1];
  const path = isWeb && URL.canParse(url) ? new URL(url).pathname : scp;
  const parts = (path ?? url).split(/[/\\]/).filter((part) => part !== '' && part !== '~');
  const named = path === undefined ? parts.slice(-1) : parts;
  const name = named
    .map(decode)
    .join('/')
    .replace(/\.git$/, '');
  return name === '' ? undefined : name.toLowerCase();
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
