import { TERMS_VERSION } from '../version.ts';
import { COPY_SCRIPT, ICON, STYLE } from './assets.ts';
import { type Html, html, ownHtml } from './html.ts';

const SIGNED_OUT = '<a href="/login">Sign in</a>';
const SIGNED_IN =
  '<a href="/app">Dashboard</a>\n<form class="sign-out" method="post" action="/auth/logout"><button type="submit">Sign out</button></form>';

/** Returns a page of this layout as a signed-in browser gets it: with the way to the dashboard and the sign-out. */
export function signedInPage(page: string): string {
  return page.replace(SIGNED_OUT, () => SIGNED_IN);
}

/** Links to the legal texts with their version, as the end of a sentence. */
export const TERMS_LINKS = html`<a href="/legal/terms">terms of service</a> and have read the <a href="/legal/privacy">privacy policy</a> (version of ${TERMS_VERSION})`;

interface PageParts {
  /** Title of the page; the product name is appended. */
  title: string;
  body: Html;
  /** Description for search engines; a page without one is not indexed. */
  description?: string;
  /** Whether the page has copy buttons. */
  copies?: boolean;
  /** Maximum width of the content. */
  width?: 'wide' | 'reading' | 'narrow' | 'docs';
  /** More elements of the head: style sheets and scripts. */
  head?: Html;
  /** Elements of the bar at the top, before its links. */
  bar?: Html;
  /** Elements before the main content, such as a sidebar. */
  before?: Html;
}

/** Renders a complete page with the shared layout. */
export function page({ title, body, description, copies, width = 'reading', head, bar, before }: PageParts): string {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title === 'WhiteMagic' ? title : `${title} · WhiteMagic`}</title>
${description ? html`<meta name="description" content="${description}">` : html`<meta name="robots" content="noindex">`}
<link rel="icon" type="image/svg+xml" href="${ICON.path}">
<link rel="stylesheet" href="${STYLE.path}">
${copies && html`<script src="${COPY_SCRIPT.path}" defer></script>`}
${head}
</head>
<body>
<a class="skip" href="#content">Skip to the content</a>
<header class="bar">
<a class="brand" href="/"><img src="${ICON.path}" alt="" width="28" height="28">WhiteMagic</a>
${bar}
<nav aria-label="Main">
<a href="/#plans">Plans</a>
<a href="/docs">Docs</a>
${ownHtml(SIGNED_OUT)}
</nav>
</header>
${before && ownHtml('<div class="frame">')}
${before}
<main id="content" class="${width}">
${body}
</main>
${before && ownHtml('</div>')}
${copies && html`<p id="copy-status" class="unseen" role="status"></p>`}
<footer class="bar">
<nav aria-label="More">
<a href="/docs">Docs</a>
<a href="/claim/new">Lost your link?</a>
<a href="/legal/terms">Terms</a>
<a href="/legal/privacy">Privacy</a>
<a href="/status">Status</a>
</nav>
</footer>
</body>
</html>
`.html;
}
