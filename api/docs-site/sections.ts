import { setImmediate } from 'node:timers/promises';
import { marked, type Token } from 'marked';
import type { Site } from './site.ts';
import { uniqueSlugs } from './slug.ts';

/** A section of a page, as the search in the browser finds it. */
export interface SearchSection {
  /** Title of the page. */
  page: string;
  heading: string;
  /** Path with anchor. */
  path: string;
  text: string;
}

/** Returns every section of the site as plain text. Works page by page, so that other requests are served meanwhile. */
export async function searchSections({ pages }: Pick<Site, 'pages'>): Promise<SearchSection[]> {
  const sections: SearchSection[] = [];
  for (const { title, path, markdown } of pages) {
    sections.push(...sectionsOf(title, path, markdown()));
    await setImmediate();
  }
  return sections;
}

function sectionsOf(page: string, path: string, markdown: string): SearchSection[] {
  const slug = uniqueSlugs();
  const sections: SearchSection[] = [];
  for (const token of marked.lexer(markdown)) {
    if (token.type === 'heading') {
      const anchor = slug(plainText(token));
      const target = token.depth === 1 ? path : `${path}#${anchor}`;
      sections.push({ page, heading: plainText(token), path: target, text: '' });
    } else {
      const section = sections.at(-1);
      const text = plainText(token).replace(/\s+/g, ' ').trim();
      if (section && text) section.text += section.text ? ` ${text}` : text;
    }
  }
  return sections;
}

/** Returns the text of a token without its markup. Code blocks have none: samples repeat the texts around them. */
function plainText(token: Token): string {
  if (token.type === 'code' || token.type === 'html') return '';
  if (token.type === 'table') {
    const cells = [...token.header, ...token.rows.flat()];
    return cells.map((cell: { tokens: Token[] }) => childText(cell.tokens)).join(' ');
  }
  if (token.type === 'list') return token.items.map(plainText).join(' ');
  if ('tokens' in token && token.tokens) return childText(token.tokens);
  return 'text' in token && typeof token.text === 'string' ? token.text : '';
}

function childText(tokens: readonly Token[]): string {
  return tokens.map(plainText).join('');
}
