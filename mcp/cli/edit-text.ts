import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Cli, CommandError } from './cli.ts';

/**
 * Lets the person edit a text in `$VISUAL` or `$EDITOR`, in a file that only they can read.
 * @throws CommandError when the editor fails
 */
export async function editText(cli: Cli, text: string): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'whitemagic-'));
  const path = join(folder, 'memory.md');
  try {
    writeFileSync(path, text, { mode: 0o600 });
    const code = await cli.openEditor(path);
    if (code !== 0) throw new CommandError(`The editor ended with ${code}. Nothing was changed.`);
    return readFileSync(path, 'utf8');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
