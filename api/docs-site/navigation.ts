/** A page of the documentation by its name: the file `docs/NAME.md` and the path `/docs/NAME`. */
interface Section {
  title: string;
  pages: readonly string[];
}

/** Name of the page at `/docs`: `docs/README.md`, which GitHub shows for the folder too. */
export const INDEX = 'README';

/** The pages of the documentation, in the order of the sidebar. Other files of `docs` are for contributors. */
export const SECTIONS: readonly Section[] = [
  { title: 'Get started', pages: [INDEX, 'quickstart'] },
  { title: 'Guides', pages: ['memories'] },
  { title: 'Your account', pages: ['usage', 'export-and-deletion'] },
  { title: 'Run it yourself', pages: ['configuration', 'whop-setup'] },
];

/** Returns the path of a page. */
export function pathOf(name: string): string {
  return name === INDEX ? '/docs' : `/docs/${name}`;
}
