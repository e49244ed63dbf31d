import { type Html, html } from '../pages/html.ts';
import { page } from '../pages/layout.ts';
import { DOCS_EARLY_SCRIPT, DOCS_SCRIPT, DOCS_STYLE, SEARCH_ENGINE, SEARCH_SCRIPT } from './assets.ts';
import { contentsOf, type DocsPage, type PageLink, type Site } from './site.ts';

/** Renders a page of the documentation with its sidebar, table of contents, and links to the pages before and after it. */
export function docsPage(
  site: Site,
  { name, path, title, description, rendered: render, previous, next }: DocsPage,
): string {
  const rendered = render();
  const contents = contentsOf(rendered);
  const body = html`
<article class="prose">
${rendered.body}
<p class="source"><a href="/docs/${name}.md">This page as Markdown</a></p>
<nav class="turn" aria-label="Previous and next page">
${previous && html`<a class="turn-link" rel="prev" href="${previous.path}"><span>Previous</span> ${previous.title}</a>`}
${next && html`<a class="turn-link" rel="next" href="${next.path}"><span>Next</span> ${next.title}</a>`}
</nav>
</article>
${
  contents.length > 1 &&
  html`<nav class="pages contents" aria-label="On this page">
<p>On this page</p>
<ul>${contents.map(({ depth, text, anchor }) => html`<li><a${depth === 3 && html` class="sub"`} href="#${anchor}">${text}</a></li>`)}</ul>
</nav>`
}`;
  return page({
    title: title === 'Documentation' ? title : `${title} · Documentation`,
    body,
    description,
    copies: true,
    width: 'docs',
    head: html`<link rel="stylesheet" href="${DOCS_STYLE.path}">
<script src="${DOCS_EARLY_SCRIPT.path}"></script>
<script src="${DOCS_SCRIPT.path}" type="module"></script>
<script src="${SEARCH_SCRIPT.path}" type="module"></script>`,
    bar: html`<button type="button" class="find" data-find data-engine="${SEARCH_ENGINE.path}" data-index="/docs/search.json" hidden>Search <kbd>/</kbd></button>`,
    before: sidebar(site, path),
  });
}

/** Renders the list of pages twice, for wide and narrow windows: a list that folds without scripts cannot be always open. */
function sidebar({ sections }: Site, current: string): Html {
  const link = ({ label, path, isSub }: PageLink) =>
    html`<li><a href="${path}"${isSub && html` class="sub"`}${path === current && html` aria-current="page"`}>${label}</a></li>`;
  const lists = sections.map(({ title, pages }) => html`<p>${title}</p><ul>${pages.map(link)}</ul>`);
  return html`<details class="menu"><summary>All pages</summary><nav class="pages" aria-label="Documentation, folded">${lists}</nav></details>
<nav class="pages sidebar" aria-label="Documentation">${lists}</nav>`;
}
