import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { brotliDecompress } from 'node:zlib';
import type Router from '@koa/router';
import type { Context } from 'koa';
import { openApiDocument } from '../../contracts/openapi/document.ts';
import { DOCS_EARLY_SCRIPT, DOCS_SCRIPT, DOCS_STYLE } from '../../docs-site/assets.ts';
import { pathOf } from '../../docs-site/navigation.ts';
import { docsPage } from '../../docs-site/page.ts';
import { buildSite, type DocsPage, PAGE_NAMES, type Site } from '../../docs-site/site.ts';
import { errorReferencePage } from '../../pages/error-reference.ts';
import { VERSION } from '../../version.ts';
import { staticBody, staticPage } from '../static-body.ts';

const decompress = promisify(brotliDecompress);

/** Files of Swagger UI, which this repository contains, so that the page loads nothing from elsewhere. */
const ASSETS: Record<string, string> = {
  'swagger-ui.css': 'text/css',
  'swagger-ui-bundle.js': 'text/javascript',
  'favicon-32x32.png': 'image/png',
};

/** Reads a file of Swagger UI. Texts are stored compressed. */
async function readAsset(name: string): Promise<Buffer> {
  const read = (file: string) => readFile(new URL(`../reference/${file}`, import.meta.url));
  return name.endsWith('.png') ? read(name) : decompress(await read(`${name}.br`));
}

/** Swagger UI needs inline styles and data URLs. */
const REFERENCE_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

const REFERENCE_PAGE = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>WhiteMagic API reference</title>
<link rel="icon" href="/docs/favicon-32x32.png">
<link rel="stylesheet" href="/docs/swagger-ui.css">
</head>
<body>
<div id="reference"></div>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/reference.js"></script>
</body>
</html>`;

const REFERENCE_SCRIPT = `SwaggerUIBundle({
  url: '/openapi.json',
  dom_id: '#reference',
  deepLinking: true,
  docExpansion: 'list',
  defaultModelsExpandDepth: -1,
  persistAuthorization: false,
  tryItOutEnabled: true,
  validatorUrl: null,
});`;

/**
 * Routes of the documentation: its pages below `/docs`, each also as Markdown, the API reference at `/docs/api`, the error codes at
 * `/docs/errors`, and `/openapi.json`.
 */
export function docsRoutes(router: Router, publicUrl: () => string): void {
  const document = () => JSON.stringify(openApiDocument(publicUrl(), VERSION));
  router.get('/openapi.json', staticBody(document, { type: 'application/json', cache: 'revalidate' }));
  const sendReference = staticBody(() => REFERENCE_PAGE, { type: 'text/html', cache: 'revalidate' });
  router.get('/docs/api', (ctx: Context) => {
    ctx.set('Content-Security-Policy', REFERENCE_POLICY);
    return sendReference(ctx);
  });
  router.get(
    '/docs/reference.js',
    staticBody(() => REFERENCE_SCRIPT, { type: 'text/javascript', cache: 'revalidate' }),
  );
  router.get('/docs/errors', staticPage(errorReferencePage));
  for (const [file, type] of Object.entries(ASSETS)) {
    router.get(
      `/docs/${file}`,
      staticBody(() => readAsset(file), { type, cache: 'revalidate' }),
    );
  }
  siteRoutes(router, publicUrl);
}

/** Routes of the pages that are made from `docs/*.md`. All are rendered at the first request of one: the address is known then. */
function siteRoutes(router: Router, publicUrl: () => string): void {
  let built: Site | undefined;
  const site = () => (built ??= buildSite(publicUrl()));
  const pageOf = (name: string) => site().pages.find((page) => page.name === name) as DocsPage;
  for (const name of PAGE_NAMES) {
    router.get(
      pathOf(name),
      staticPage(() => docsPage(site(), pageOf(name))),
    );
    router.get(
      `/docs/${name}.md`,
      staticBody(() => pageOf(name).markdown, { type: 'text/markdown', cache: 'revalidate' }),
    );
  }
  for (const { path, type, body } of [DOCS_STYLE, DOCS_EARLY_SCRIPT, DOCS_SCRIPT]) {
    router.get(
      path,
      staticBody(() => body, { type, cache: 'immutable' }),
    );
  }
}
