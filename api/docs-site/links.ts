import { posix } from 'node:path';
import { pathOf } from './navigation.ts';

/**
 * Converts a link between Markdown files to a path of the service.
 * @param from name of the page that has the link
 * @param names all pages of the site
 * @throws for a relative link to a file that the site does not have
 */
export function resolveLink(href: string, from: string, names: ReadonlySet<string>): string {
  if (/^([a-z]+:|#|\/)/.test(href)) return href;
  const [file = '', anchor] = href.split('#');
  const target = posix.join('docs', posix.dirname(from), file);
  const name = /^docs\/(.+)\.md$/.exec(target)?.[1];
  if (name && names.has(name)) return pathOf(name) + (anchor ? `#${anchor}` : '');
  const legal = /^legal\/(terms|privacy)\.md$/.exec(target)?.[1];
  if (legal) return `/legal/${legal}`;
  throw new Error(`docs/${from}.md links to ${href}, which is not on the site`);
}
