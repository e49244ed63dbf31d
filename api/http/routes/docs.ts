import type Router from '@koa/router';
import { openApiDocument } from '../../contracts/openapi/document.ts';
import { DOCS_EARLY_SCRIPT, DOCS_SCRIPT, DOCS_STYLE } from '../../docs-site/assets.ts';
import type { McpReference } from '../../docs-site/generated/mcp-reference.ts';
import { PAGE_NAMES, pathOf } from '../../docs-site/navigation.ts';
import { docsPage } from '../../docs-site/page.ts';
import { buildSite, type DocsPage, type Site } from '../../docs-site/site.ts';
import { VERSION } from '../../version.ts';
import { staticBody, staticPage } from '../static-body.ts';

/** Routes of the documentation: its pages below `/docs`, each also as Markdown, and `/openapi.json`. */
export function docsRoutes(router: Router, publicUrl: () => string, mcp: McpReference): void {
  const document = () => JSON.stringify(openApiDocument(publicUrl(), VERSION));
  router.get('/openapi.json', staticBody(document, { type: 'application/json', cache: 'revalidate' }));
  let built: Site | undefined;
  siteRoutes(router, () => {
    built ??= buildSite(publicUrl(), mcp);
    return built;
  });
}

/** Routes of the pages. They are read at the first request, when the address of the service is known. */
function siteRoutes(router: Router, site: () => Site): void {
  const pageOf = (name: string) => site().pages.find((page) => page.name === name) as DocsPage;
  for (const name of PAGE_NAMES) {
    router.get(
      pathOf(name),
      staticPage(() => docsPage(site(), pageOf(name))),
    );
    router.get(
      `/docs/${name}.md`,
      staticBody(() => pageOf(name).markdown(), { type: 'text/markdown', cache: 'revalidate' }),
    );
  }
  for (const { path, type, body } of [DOCS_STYLE, DOCS_EARLY_SCRIPT, DOCS_SCRIPT]) {
    router.get(
      path,
      staticBody(() => body, { type, cache: 'immutable' }),
    );
  }
}
