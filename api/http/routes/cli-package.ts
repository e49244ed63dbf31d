import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import type Router from '@koa/router';
import type { Context } from 'koa';
import { packagePath } from '../../../mcp/client-setup/texts.ts';
import { Problem } from '../../errors.ts';
import { VERSION } from '../../version.ts';
import { tar } from '../tar.ts';

/**
 * Serves the package of the command line, so that `npx` runs it from the service itself, in its version. It is packed at the first
 * request.
 */
export function cliPackageRoute(router: Router): void {
  let packed: Buffer | undefined;
  router.get(packagePath(VERSION), (ctx: Context) => {
    packed ??= packCli();
    ctx.type = 'application/gzip';
    // A file of this name changes only in a checkout.
    ctx.set('Cache-Control', 'no-cache');
    ctx.body = packed;
  });
}

/** Packs the built command line as `npm pack` would. @throws Problem `not_found` where it was not built */
function packCli(): Buffer {
  const folder = cliFolder();
  if (!existsSync(join(folder, 'whitemagic.js')))
    throw new Problem('not_found', { detail: 'The command line is not built on this service: run "npm run build".' });
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((name) => name.replaceAll('\\', '/'));
  const code = names.filter((name) => name.endsWith('.js')).sort();
  const files = ['package.json', 'README.md', 'LICENSE', ...code].map((name) => ({
    path: `package/${name.endsWith('.js') ? `dist/${name}` : name}`,
    content: readFileSync(join(folder, name)),
    isExecutable: name === 'whitemagic.js',
  }));
  return gzipSync(tar(files), { level: 9 });
}

/** Returns the folder of the build: beside this file, or in `dist/` when the service runs from its sources. */
function cliFolder(): string {
  const folder = import.meta.url.includes('/dist/') ? '../../../mcp/cli/' : '../../../dist/mcp/cli/';
  return fileURLToPath(new URL(folder, import.meta.url));
}
