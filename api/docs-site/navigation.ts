import { REFERENCE_TAGS, referencePage } from './generated/operation-reference.ts';

/** Pages of the documentation by their names: `NAME` is the file `docs/NAME.md` and the path `/docs/NAME`. */
interface Section {
  title: string;
  pages: readonly string[];
}

/** Name of the page at `/docs`: `docs/README.md`, which GitHub shows for the folder too. */
export const INDEX = 'README';

/** The pages of the API reference that are made from the contracts. They are no files. */
const REFERENCE_PAGES: ReadonlyMap<string, string> = new Map(REFERENCE_TAGS.map((tag) => [referencePage(tag), tag]));

/** The pages of the documentation, in the order of the sidebar. Other files of `docs` are for contributors. */
export const SECTIONS: readonly Section[] = [
  { title: 'Get started', pages: [INDEX, 'quickstart', 'connect', 'clients'] },
  { title: 'Guides', pages: ['memories', 'search', 'context'] },
  {
    title: 'Reference',
    pages: ['mcp-tools', 'api', ...REFERENCE_PAGES.keys(), 'errors', 'oauth', 'idempotency', 'pagination'],
  },
  { title: 'Your account', pages: ['limits', 'usage', 'keys', 'webhooks', 'import', 'export-and-deletion'] },
  { title: 'Operate', pages: ['self-hosting', 'configuration', 'embeddings', 'whop-setup'] },
];

/** Names of all pages, in the order in which they are read. */
export const PAGE_NAMES: readonly string[] = SECTIONS.flatMap(({ pages }) => pages);

/** Returns the path of a page. */
export function pathOf(name: string): string {
  return name === INDEX ? '/docs' : `/docs/${name}`;
}

/** Returns the tag of a page of the API reference; undefined for a page that is a file. */
export function referenceTag(name: string): string | undefined {
  return REFERENCE_PAGES.get(name);
}
