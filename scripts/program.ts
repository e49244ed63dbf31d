import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const extension = extname(fileURLToPath(import.meta.url));
const folder = fileURLToPath(new URL('..', import.meta.url));
const root = extension === '.js' ? join(folder, '..') : folder;

/** A program of this checkout, from its source or its build as this one is, and what Node needs to run it. */
export function programOf(path: string): { file: string; execArgv: string[]; cwd: string } {
  return {
    file: join(folder, `${path}${extension}`),
    execArgv: extension === '.ts' ? ['--import', 'tsx'] : [],
    cwd: root,
  };
}
