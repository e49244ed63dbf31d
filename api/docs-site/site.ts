import { existsSync, readFileSync } from 'node:fs';
import { PROBLEMS } from '../errors.ts';
import { clientSections } from './generated/client-setup.ts';
import { errorTable } from './generated/error-table.ts';
import { type McpReference, promptTable, resourceTable, toolReference } from './generated/mcp-reference.ts';
import {
  operationPaths,
  operationReference,
  operationTable,
  referenceTitle,
  sectionDescription,
  sectionLabel,
  sharedErrors,
} from './generated/operation-reference.ts';
import { resolveLink } from './links.ts';
import { type Heading, type Rendered, renderMarkdown } from './markdown.ts';
import { PAGE_NAMES, pathOf, referenceTag, SECTIONS } from './navigation.ts';

/** Address of a local service, which the samples name. */
const LOCAL_URL = 'http://127.0.0.1:8787';

/** A part that is made from the code. The repository has a sentence in its place, which says where to read it. */
const GENERATED = /^<!-- generated: (\w+) -->$[\s\S]*?^<!-- \/generated -->$/gm;

/** A page of the documentation. */
export interface DocsPage extends PageLink {
  name: string;
  /** The first paragraph, as plain text. */
  description: string;
  /** Text of the page as Markdown, with the address of this service in its samples. */
  markdown: () => string;
  /** The page as HTML. Rendered at the first call. */
  rendered: () => Rendered;
  previous: PageLink | undefined;
  next: PageLink | undefined;
}

export interface PageLink {
  title: string;
  /** Text in the sidebar. */
  label: string;
  /** Whether the sidebar has it below the page before it. */
  isSub: boolean;
  path: string;
}

export interface Site {
  sections: { title: string; pages: PageLink[] }[];
  pages: DocsPage[];
}

/**
 * Reads the pages of the documentation. Each is rendered when it is first needed, since all together would hold up other requests.
 * @param publicUrl address of this service, for the samples
 * @param mcp tools, resources and prompts of the MCP server
 */
export function buildSite(publicUrl: string, mcp: McpReference): Site {
  const names = new Set(PAGE_NAMES);
  const terms = termPaths(mcp);
  const links = new Map(PAGE_NAMES.map((name) => [name, linkTo(name)]));
  const pages = PAGE_NAMES.map((name, index) => {
    const markdown = lazy(() => sourceOf(name, publicUrl, mcp));
    const rendered = lazy(() =>
      renderMarkdown(markdown(), {
        link: (href) => resolveLink(href, name, names),
        term: (text) => terms.get(text),
      }),
    );
    return {
      ...(links.get(name) as PageLink),
      name,
      description: descriptionOf(name),
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

function lazy<Value>(make: () => Value): () => Value {
  let made: { value: Value } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}

function linkTo(name: string): PageLink {
  const tag = referenceTag(name);
  const title = tag ? referenceTitle(tag) : (/^# (.+)$/m.exec(readDocs(name))?.[1] ?? name);
  return { title, label: tag ? sectionLabel(tag) : title, isSub: tag !== undefined, path: pathOf(name) };
}

/** Returns the path that explains each call, error code and tool, which are links wherever they occur as code. */
function termPaths({ tools }: McpReference): Map<string, string> {
  return new Map([
    ...operationPaths(),
    ...Object.keys(PROBLEMS).map((code) => [code, `/docs/errors#${code}`] as const),
    ...tools.map(({ name }) => [name, `/docs/mcp-tools#${name}`] as const),
  ]);
}

/** Returns the Markdown of a page, with its generated parts and the address of this service. */
function sourceOf(name: string, publicUrl: string, mcp: McpReference): string {
  const tag = referenceTag(name);
  if (tag) return operationReference(tag, publicUrl);
  const generated: Record<string, () => string> = {
    clients: () => clientSections(publicUrl),
    errors: errorTable,
    operations: operationTable,
    sharedErrors,
    tools: () => toolReference(mcp),
    resources: () => resourceTable(mcp),
    prompts: () => promptTable(mcp),
  };
  const filled = readDocs(name).replace(GENERATED, (_match, part: string) => {
    const generate = generated[part];
    if (!generate) throw new Error(`docs/${name}.md has the unknown generated part ${part}`);
    return generate();
  });
  return withAddress(filled, publicUrl);
}

/** Returns the headings that a table of contents lists. */
export function contentsOf({ headings }: Rendered): Heading[] {
  return headings.filter(({ depth }) => depth === 2 || depth === 3);
}

/** Returns the first paragraph of a page as plain text. */
function descriptionOf(name: string): string {
  const tag = referenceTag(name);
  const paragraph = tag ? sectionDescription(tag) : (readDocs(name).split('\n\n')[1] ?? '');
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
