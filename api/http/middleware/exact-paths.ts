import type { Middleware } from 'koa';
import { OPERATIONS, OPERATOR_OPERATIONS, PUBLIC_OPERATIONS } from '../../contracts/index.ts';
import type { HttpMethod } from '../../contracts/operation.ts';
import { Problem } from '../../errors.ts';

/** Methods by path, of the paths without parameters. */
const METHODS_BY_PATH = new Map<string, HttpMethod[]>();
for (const { http } of [...OPERATIONS, ...OPERATOR_OPERATIONS, ...PUBLIC_OPERATIONS]) {
  if (http.path.includes('{')) continue;
  const path = `/api/v1${http.path}`;
  METHODS_BY_PATH.set(path, [...(METHODS_BY_PATH.get(path) ?? []), http.method]);
}

/**
 * Rejects other methods of a path without parameters. The router would take `GET /memories/batch` for `GET /memories/{id}`
 * with the id "batch".
 * @throws Problem `method_not_allowed`
 */
export function exactPaths(): Middleware {
  return async function matchExactPaths(ctx, next) {
    // The router ignores case and a trailing slash.
    const methods = METHODS_BY_PATH.get(ctx.path.toLowerCase().replace(/\/$/, ''));
    if (!methods) return next();
    const allowed = methods.includes('GET') ? ['HEAD', ...methods] : methods;
    if (allowed.includes(ctx.method as HttpMethod)) return next();
    ctx.set('Allow', allowed.join(', '));
    if (ctx.method !== 'OPTIONS') throw new Problem('method_not_allowed');
    ctx.status = 200;
    ctx.body = '';
  };
}
