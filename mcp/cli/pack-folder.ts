import { opendir, readFile, stat } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';

/** Files that hold memories of people and agents. */
const TEXT_FILE = /\.(md|mdc|markdown|txt)$|^\.(cursorrules|windsurfrules|clinerules)$/i;
/** Folders of programs. */
const SKIPPED = new Set(['node_modules', '.git', '.obsidian', '.trash', 'dist', 'build', '.venv']);
const FILES_MAX = 100_000;
const FILE_BYTES_MAX = 4_194_304;
const utf8 = new TextDecoder('utf-8', { fatal: true });

/** Packs the Markdown and text files of a folder as JSON lines of `path` and `content`, in the order of their paths. Links are not followed. */
export async function packFolder(folder: string, note: (line: string) => void): Promise<Buffer> {
  const paths: string[] = [];
  for await (const path of walk(folder)) {
    if (paths.push(path) > FILES_MAX) throw new Error(`the folder has more than ${FILES_MAX} files`);
  }
  const lines: string[] = [];
  for (const path of paths.sort()) {
    const name = relative(folder, path).split(sep).join('/');
    const content = await readText(path);
    if (content === undefined) note(`${name}: left out, it is larger than 4 MiB or not UTF-8`);
    else lines.push(`${JSON.stringify({ path: name, content })}\n`);
  }
  return Buffer.from(lines.join(''));
}

async function* walk(folder: string): AsyncGenerator<string> {
  for await (const entry of await opendir(folder)) {
    const path = join(folder, entry.name);
    if (entry.isDirectory() && !SKIPPED.has(entry.name)) yield* walk(path);
    else if (entry.isFile() && TEXT_FILE.test(entry.name)) yield path;
  }
}

async function readText(path: string): Promise<string | undefined> {
  if ((await stat(path)).size > FILE_BYTES_MAX) return undefined;
  try {
    return utf8.decode(await readFile(path));
  } catch {
    return undefined;
  }
}
