import { createReadStream } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type Router from '@koa/router';
import { openApiDocument } from '../../contracts/openapi.ts';
import { PROBLEMS } from '../../errors.ts';
import { VERSION } from '../../version.ts';

const swaggerUi = dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'));

/** The files of the reference's reader, served from the package: nothing comes from the internet. */
const ASSETS: Record<string, string> = {
  'swagger-ui.css': 'text/css',
  'swagger-ui-bundle.js': 'text/javascript',
  'favicon-32x32.png': 'image/png',
};

const PAGE_POLICY =
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

/** `/openapi.json`, the browsable reference at `/docs`, and the page that explains every error code. */
export function docsRoutes(router: Router, publicUrl: () => string): void {
  router.get('/openapi.json', (ctx) => {
    ctx.body = openApiDocument(publicUrl(), VERSION);
  });
  router.get('/docs', (ctx) => {
    ctx.set('Content-Security-Policy', PAGE_POLICY);
    ctx.type = 'text/html';
    ctx.body = REFERENCE_PAGE;
  });
  router.get('/docs/reference.js', (ctx) => {
    ctx.type = 'text/javascript';
    ctx.body = REFERENCE_SCRIPT;
  });
  router.get('/docs/errors', (ctx) => {
    ctx.set('Content-Security-Policy', PAGE_POLICY);
    ctx.type = 'text/html';
    ctx.body = errorsPage();
  });
  for (const [file, type] of Object.entries(ASSETS)) {
    router.get(`/docs/${file}`, (ctx) => {
      ctx.set('Cache-Control', 'public, max-age=3600');
      ctx.type = type;
      ctx.body = createReadStream(join(swaggerUi, file));
    });
  }
}

function errorsPage(): string {
  const rows = Object.entries(PROBLEMS).map(
    ([code, [status, title, advice]]) =>
      `<tr id="${code}"><td><code>${code}</code></td><td>${status}</td><td>${title}.</td><td>${advice.replaceAll(/`([^`]+)`/g, '<code>$1</code>')}</td></tr>`,
  );
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>WhiteMagic error codes</title>
<style>
:root { color-scheme: light dark }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
td, th { text-align: left; vertical-align: top; padding: .4rem .8rem .4rem 0 }
tr:target { outline: 2px solid }
</style>
</head>
<body>
<h1>Error codes</h1>
<p>Every refusal is a problem document (RFC 9457); its <code>code</code> is one of these.</p>
<table><tr><th>code</th><th>status</th><th>what it means</th><th>what to do</th></tr>
${rows.join('\n')}
</table>
</body>
</html>`;
}
