import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type Router from '@koa/router';
import type { Context } from 'koa';
import type { BrowserSignIn } from '../../auth/browser-sign-in.ts';
import { Problem } from '../../errors.ts';
import { requireSession } from '../require-session.ts';
import { PAGE_HEADERS } from '../respond.ts';
import { type StaticBody, staticBody } from '../static-body.ts';

const TYPES: Record<string, string> = {
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
};

/** The dashboard calls the API of this service, and nothing else. */
const DASHBOARD_HEADERS = {
  ...PAGE_HEADERS,
  'Content-Security-Policy': `${PAGE_HEADERS['Content-Security-Policy']}; connect-src 'self'`,
};

/**
 * Routes of the dashboard at `/app`: its files, and its page for every other path below, whose screen the browser chooses. A browser
 * that is not signed in is redirected to the sign-in. Without a build, `/app` responds 404 with a hint.
 */
export function dashboardRoutes(router: Router, signIn: BrowserSignIn): void {
  const folder = dashboardFolder();
  const page = staticBody(() => readFileSync(join(folder, 'index.html')), { type: 'text/html', cache: 'revalidate' });
  const sendPage = async (ctx: Context) => {
    if (!existsSync(join(folder, 'index.html'))) {
      throw new Problem('not_found', { detail: 'The dashboard is not built. Run `npm run build`.' });
    }
    if (!(await requireSession(ctx, signIn))) return;
    ctx.set(DASHBOARD_HEADERS);
    await page(ctx);
  };
  const files = new Map<string, StaticBody>();
  router.get('/app', sendPage);
  router.get('/app/theme.js', fileOf(folder, 'theme.js', 'revalidate'));
  router.get('/app/assets/:name', (ctx: Context) => {
    const name = ctx.params.name as string;
    // Only names that the folder lists: nothing of the path reaches the file system.
    if (!files.has(name)) {
      for (const file of listFiles(join(folder, 'assets'))) {
        if (!files.has(file)) files.set(file, fileOf(folder, `assets/${file}`, 'immutable'));
      }
    }
    const send = files.get(name);
    if (!send) throw new Problem('not_found');
    return send(ctx);
  });
  router.get('/app/*path', sendPage);
}

function fileOf(folder: string, path: string, cache: 'immutable' | 'revalidate'): StaticBody {
  const type = TYPES[extname(path)] ?? 'application/octet-stream';
  return staticBody(() => readFileSync(join(folder, path)), { type, cache });
}

function listFiles(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder) : [];
}

/** Returns the folder of the build: beside the built service, or in `dist/` when running from the sources. */
function dashboardFolder(): string {
  const folder = import.meta.url.includes('/dist/') ? '../../../dashboard' : '../../../dist/dashboard';
  return fileURLToPath(new URL(folder, import.meta.url));
}
