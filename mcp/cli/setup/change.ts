import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';
import type { Edit } from '../../client-setup/edits.ts';
import { editJson } from './edit-json.ts';
import { addSection, removeSection } from './edit-text.ts';
import { editToml } from './edit-toml.ts';

/** A change of one file. */
export interface Change {
  path: string;
  /** Content before, undefined for a new file. */
  before: string | undefined;
  /** Content after, undefined for a file to delete. */
  after: string | undefined;
}

/**
 * Computes the changes of files that edits make, one a file, without those that change nothing.
 * @throws Error that names the file when it has a form that cannot be changed
 */
export function changesOf(edits: readonly Edit[], action: 'add' | 'remove'): Change[] {
  const changes = new Map<string, Change>();
  for (const edit of edits) {
    const change = changes.get(edit.file) ?? readChange(edit.file);
    changes.set(edit.file, change);
    try {
      change.after = apply(change.after, edit, action);
    } catch (error) {
      throw new Error(`${edit.file}: ${error instanceof Error ? error.message : error}. It was left as it is.`);
    }
  }
  return [...changes.values()].filter(({ before, after }) => before !== after);
}

function readChange(path: string): Change {
  const before = existsSync(path) ? readFileSync(path, 'utf8') : undefined;
  return { path, before, after: before };
}

function apply(text: string | undefined, edit: Edit, action: 'add' | 'remove'): string | undefined {
  if (text === undefined && (action === 'remove' || (edit.kind === 'items' && edit.onlyIfPresent))) return undefined;
  switch (edit.kind) {
    case 'set':
      if (edit.format === 'toml') return editToml(text ?? '', edit.at, action === 'add' ? edit.value : undefined);
      return editJson(text ?? '', edit, action);
    case 'items':
      return editJson(text ?? '', edit, action);
    case 'file':
      return action === 'add' ? edit.content : undefined;
    case 'section':
      return action === 'add' ? addSection(text ?? '', edit.text) : removeSection(text ?? '');
  }
}

/**
 * Writes a change. The former content is kept beside the file; the new one appears whole, with the permissions of the file. A file that
 * will hold a key can be read by its user only. Links stay links.
 * @param stamp time for the name of the copy
 * @returns path of the copy, undefined for a new file
 */
export function writeChange(
  { path, before, after }: Change,
  options: { stamp: Date; isSecret: boolean },
): string | undefined {
  const file = existsSync(path) ? realpathSync(path) : path;
  const mode = existsSync(file) ? statSync(file).mode & 0o777 : 0o644;
  const kept = options.isSecret ? mode & 0o700 || 0o600 : mode;
  let backup: string | undefined;
  if (before !== undefined) {
    backup = `${file}.${options.stamp.toISOString().replace(/[:.]/g, '-')}.bak`;
    copyFileSync(file, backup);
    if (options.isSecret) chmodSync(backup, kept);
  }
  if (after === undefined) {
    rmSync(file);
    return backup;
  }
  mkdirSync(dirname(file), { recursive: true });
  const draft = `${file}.${process.pid}.new`;
  writeFileSync(draft, after, { mode: kept });
  chmodSync(draft, kept);
  renameSync(draft, file);
  return backup;
}
