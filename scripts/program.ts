import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const extension = extname(fileURLToPath(import.meta.url));
const folder = fileURLToPath(new URL('..', import.meta.url));
/** The folder of the checkout. */
export const root = extension === '.js' ? join(folder, '..') : folder;

/** Returns the file of a program of this checkout, in the sources or in dist/ like this file, and how Node runs it. */
export function programOf(path: string): { file: string; execArgv: string[]; cwd: string } {
  return {
    file: join(folder, `${path}${extension}`),
    execArgv: extension === '.ts' ? ['--import', 'tsx'] : [],
    cwd: root,
  };
}
