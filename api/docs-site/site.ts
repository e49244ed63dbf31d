import { existsSync, readFileSync } from 'node:fs';
import { resolveLink } from './links.ts';
import { type Heading, type Rendered, renderMarkdown } from './markdown.ts';
import { pathOf, SECTIONS } from './navigation.ts';

/** Address of a local service, which the samples name. */
const LOCAL_URL = 'http://127.0.0.1:8787';

/** A page of the documentation. */
export interface DocsPage {
  name: string;
  path: string;
  title: string;
  /** The first paragraph, as plain text. */
  description: string;
  /** Text of the page as Markdown, with the address of this service in its samples. */
  markdown: string;
  rendered: Rendered;
  previous: PageLink | undefined;
  next: PageLink | undefined;
}

export interface PageLink {
  title: string;
  path: string;
}

export interface Site {
  sections: { title: string; pages: PageLink[] }[];
  pages: DocsPage[];
}

/** Names of all pages, in the order in which they are read. */
export const PAGE_NAMES: readonly string[] = SECTIONS.flatMap(({ pages }) => pages);

/**
 * Renders all pages of the documentation.
 * @param publicUrl address of this service, for the samples
 * @throws for a relative link to a file that is not a page
 */
export function buildSite(publicUrl: string): Site {
  const names = new Set(PAGE_NAMES);
  const texts = PAGE_NAMES.map((name) => ({ name, markdown: withAddress(readDocs(name), publicUrl) }));
  const links = new Map(texts.map(({ name, markdown }) => [name, { title: titleOf(markdown), path: pathOf(name) }]));
  const pages = texts.map(({ name, markdown }, index) => {
    const rendered = renderMarkdown(markdown, { link: (href) => resolveLink(href, name, names) });
    return {
      name,
      path: pathOf(name),
      title: titleOf(markdown),
      description: descriptionOf(markdown),
      markdown,
      rendered,
      previous: links.get(PAGE_NAMES[index - 1] ?? ''),
      next: links.get(PAGE_NAMES[index + 1] ?? ''),
    };
  });
  const sections = SECTIONS.map(({ title, pages }) => ({
    title,
    pages: pages.map((name) => links.get(name) as PageLink),
  }));
  return { sections, pages };
}

/** Returns the headings that a table of contents lists. */
export function contentsOf({ headings }: Rendered): Heading[] {
  return headings.filter(({ depth }) => depth === 2 || depth === 3);
}

function titleOf(markdown: string): string {
  return /^# (.+)$/m.exec(markdown)?.[1] ?? '';
}

function descriptionOf(markdown: string): string {
  const paragraph = markdown.split('\n\n')[1] ?? '';
  return paragraph.replace(/\[([^\]]+)\]\([^)]+\)/g, '$1').replace(/[`*]/g, '');
}

/** Puts the address of this service in place of the local one, in code blocks only: texts about a local start keep theirs. */
function withAddress(markdown: string, publicUrl: string): string {
  return markdown.replace(/^```[\s\S]*?^```$/gm, (block) => block.replaceAll(LOCAL_URL, publicUrl));
}

/** Reads `docs/NAME.md`. Searches the parent folders, because the sources and the build have different depths. */
function readDocs(name: string): string {
  let folder = new URL('.', import.meta.url);
  while (!existsSync(new URL('docs/README.md', folder))) {
    const parent = new URL('..', folder);
    if (parent.href === folder.href) throw new Error('the folder docs is missing');
    folder = parent;
  }
  return readFileSync(new URL(`docs/${name}.md`, folder), 'utf8');
}
