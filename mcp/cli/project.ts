import { existsSync, readFileSync } from 'node:fs';
import { basename, dirname, join, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { clientFolders, type Host } from './folders.ts';
import { gitRoot, remotePath } from './git-remote.ts';

/** The project of a workspace and where it comes from. */
export interface FoundProject {
  /** Undefined: memories have no project by default, and searches cover all of them. */
  name: string | undefined;
  /** Source, for people: `git remote of /home/ann/shop`. */
  from: string;
}

/** File that names the project of a folder and the folders below it: `{ "project": "shop" }`. */
const FILE = '.whitemagic.json';
/** Bound of a derived name, in code points. The service accepts longer ones. */
const NAME_MAX = 100;
/** Folders of systems and programs, from which clients on a desktop start the bridge. */
const SYSTEM_FOLDERS =
  /[/\\](AppData|Library|Applications|Program Files|Program Files \(x86\)|System32|snap)([/\\]|$)/i;

/**
 * Finds the project of a workspace: `WHITEMAGIC_PROJECT`, else the nearest `.whitemagic.json`, else the git remote, else the name of the
 * folder. The home folder and those of the system are no workspace.
 * @param folder the workspace; undefined: what the client says, or else the current folder
 */
export function findProject(host: Host, cwd: string, folder?: string): FoundProject {
  const given = host.env.WHITEMAGIC_PROJECT?.trim();
  if (given) return { name: isNone(given) ? undefined : given, from: 'WHITEMAGIC_PROJECT' };
  const workspace = resolve(folder ?? workspaceOf(host.env) ?? cwd);
  const home = resolve(clientFolders(host).home);
  if (workspace === home || dirname(workspace) === workspace || SYSTEM_FOLDERS.test(workspace.replace(home, '')))
    return { name: undefined, from: `${workspace} is no workspace` };
  const root = gitRoot(workspace);
  const inRepository = root !== undefined && root !== home ? root : undefined;
  const file = findFile(workspace, inRepository, home);
  if (file !== undefined) return readFile(file);
  const remote = inRepository === undefined ? undefined : nameOf(remotePath(inRepository));
  if (remote !== undefined) return { name: remote, from: `git remote of ${inRepository}` };
  const named = inRepository ?? workspace;
  return { name: nameOf(basename(named)), from: `folder ${named}` };
}

/** Returns the folder of the first root that a client lists, `file://` only. */
export function folderOfRoot(uri: unknown): string | undefined {
  if (typeof uri !== 'string' || !uri.startsWith('file://')) return undefined;
  try {
    return fileURLToPath(uri);
  } catch {
    return undefined;
  }
}

/** Returns the workspace that Claude Code and Cursor name to the programs they start. */
function workspaceOf(env: NodeJS.ProcessEnv): string | undefined {
  if (env.CLAUDE_PROJECT_DIR) return env.CLAUDE_PROJECT_DIR;
  const paths = env.WORKSPACE_FOLDER_PATHS;
  if (!paths) return undefined;
  const [first] = paths.startsWith('[') ? listOf(paths) : paths.split(',');
  return first !== undefined && existsSync(first) ? first : undefined;
}

function listOf(json: string): string[] {
  try {
    return (JSON.parse(json) as unknown[]).filter((path) => typeof path === 'string');
  } catch {
    return [];
  }
}

/** Looks for the file from the workspace up to the root of its repository; outside one, up to the folder below the home folder. */
function findFile(workspace: string, root: string | undefined, home: string): string | undefined {
  for (let at = workspace; ; at = dirname(at)) {
    if (existsSync(join(at, FILE))) return join(at, FILE);
    const isLast = root === undefined ? !at.startsWith(home + sep) || dirname(at) === home : at === root;
    if (isLast || dirname(at) === at) return undefined;
  }
}

function readFile(path: string): FoundProject {
  try {
    const { project } = JSON.parse(readFileSync(path, 'utf8')) as { project?: unknown };
    if (project === null) return { name: undefined, from: path };
    if (typeof project === 'string' && project.trim() !== '') return { name: nameOf(project), from: path };
  } catch {
    // Reported below, like any other content that names no project.
  }
  return { name: undefined, from: `${path}, which has no { "project": "name" }` };
}

/** Returns a text as the service accepts it as a project: one line of at most 100 characters. */
function nameOf(text: string | undefined): string | undefined {
  const name = [
    ...(text ?? '')
      .normalize('NFC')
      .toWellFormed()
      .replace(/\s+/gu, ' ')
      .replace(/\p{Cc}/gu, '')
      .trim(),
  ]
    .slice(0, NAME_MAX)
    .join('')
    .trim();
  return name === '' || isNone(name) ? undefined : name;
}

/** Checks for the names that mean no project. */
function isNone(name: string): boolean {
  return name === '*' || name === 'none';
}
