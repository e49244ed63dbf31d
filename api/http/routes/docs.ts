import type Router from '@koa/router';
import { openApiDocument } from '../../contracts/openapi/document.ts';
import { DOCS_ASSETS } from '../../docs-site/assets.ts';
import type { McpReference } from '../../docs-site/generated/mcp-reference.ts';
import { llmsFull, llmsIndex } from '../../docs-site/llms.ts';
import { PAGE_NAMES, pathOf } from '../../docs-site/navigation.ts';
import { docsPage } from '../../docs-site/page.ts';
import { searchSections } from '../../docs-site/sections.ts';
import { buildSite, type DocsPage, type Site } from '../../docs-site/site.ts';
import { VERSION } from '../../version.ts';
import { PAGE_HEADERS } from '../respond.ts';
import { staticBody, staticPage } from '../static-body.ts';

/** The search loads its index from this service. */
const DOCS_HEADERS = {
  ...PAGE_HEADERS,
  'Content-Security-Policy': `${PAGE_HEADERS['Content-Security-Policy']}; connect-src 'self'`,
};

/** Routes of the documentation: its pages below `/docs`, each also as Markdown, their index, `/llms.txt`, and `/openapi.json`. */
export function docsRoutes(router: Router, publicUrl: () => string, mcp: McpReference): void {
  const send = (path: string, type: string, build: () => string | Promise<string>) =>
    router.get(path, staticBody(build, { type, cache: 'revalidate' }));
  // The pages are read at the first request, when the address of the service is known.
  let built: Site | undefined;
  const site = () => {
    built ??= buildSite(publicUrl(), mcp);
    return built;
  };
  const pageOf = (name: string) => site().pages.find((page) => page.name === name) as DocsPage;

  for (const name of PAGE_NAMES) {
    router.get(
      pathOf(name),
      staticPage(() => docsPage(site(), pageOf(name)), DOCS_HEADERS),
    );
    send(`/docs/${name}.md`, 'text/markdown', () => pageOf(name).markdown());
  }
  send('/docs/search.json', 'application/json', async () => JSON.stringify(await searchSections(site())));
  send('/llms.txt', 'text/plain', () => llmsIndex(site(), publicUrl()));
  send('/llms-full.txt', 'text/plain', () => llmsFull(site(), publicUrl()));
  send('/openapi.json', 'application/json', () => JSON.stringify(openApiDocument(publicUrl(), VERSION)));
  for (const { path, type, body } of DOCS_ASSETS) {
    router.get(
      path,
      staticBody(() => body, { type, cache: 'immutable' }),
    );
  }
}
