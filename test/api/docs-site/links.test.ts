import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { gzipSync } from 'node:zlib';
import { marked, type Token } from 'marked';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SEARCH_ENGINE } from '../../../api/docs-site/assets.ts';
import { INDEX, PAGE_NAMES, pathOf, referenceTag } from '../../../api/docs-site/navigation.ts';
import { uniqueSlugs } from '../../../api/docs-site/slug.ts';
import { startTestService, type TestService } from '../../support/service.ts';

const ROOT = join(import.meta.dirname, '../../..');
/** Files of `docs` that are for contributors and operators. */
const INTERNAL = [
  'architecture',
  'benchmarks',
  'glossary',
  'deploy',
  'runbook',
  'launch',
  'load',
  'reliability',
  'scaling',
  'security',
  'upgrades',
];

let node: TestService;

beforeAll(async () => {
  node = await startTestService();
});
afterAll(() => node.stop());

const hrefsIn = (page: string) => [...page.matchAll(/\s(?:href|src)="([^"]*)"/g)].map((match) => match[1] as string);
const idsIn = (page: string) => [...page.matchAll(/\sid="([^"]*)"/g)].map((match) => match[1] as string);

describe('the documentation site', () => {
  it('has every file of docs, except those for contributors and operators', () => {
    const files = readdirSync(join(ROOT, 'docs')).filter((file) => file.endsWith('.md'));
    const written = PAGE_NAMES.filter((name) => referenceTag(name) === undefined);
    expect([...written, ...INTERNAL].map((name) => `${name}.md`).sort()).toEqual(files.sort());
  });

  it('has no broken link or anchor, and no anchor twice', async () => {
    const pages = new Map<string, string>();
    const queue = ['/', ...PAGE_NAMES.map(pathOf), '/docs/errors'];
    const broken: string[] = [];
    for (let path = queue.pop(); path !== undefined; path = queue.pop()) {
      if (pages.has(path)) continue;
      const response = await fetch(node.url + path);
      const isPage = response.headers.get('content-type')?.startsWith('text/html') ?? false;
      pages.set(path, isPage ? await response.text() : '');
      if (response.status !== 200) broken.push(`${path}: ${response.status}`);
      const ids = idsIn(pages.get(path) ?? '');
      if (new Set(ids).size !== ids.length) broken.push(`${path}: an id occurs twice`);
      const targets = hrefsIn(pages.get(path) ?? '').map((href) => new URL(href, node.url + path));
      queue.push(...targets.filter(({ origin }) => origin === node.url).map(({ pathname }) => pathname));
    }
    expect(pages.size).toBeGreaterThan(PAGE_NAMES.length + 5);
    for (const [path, page] of pages) {
      for (const href of hrefsIn(page)) {
        const { origin, pathname, hash } = new URL(href, node.url + path);
        if (origin !== node.url || hash === '') continue;
        if (!idsIn(pages.get(pathname) ?? '').includes(decodeURIComponent(hash.slice(1)))) {
          broken.push(`${path} → ${href}`);
        }
      }
    }
    expect(broken).toEqual([]);
  });

  it('has each page as Markdown, with the address of the service in its samples', async () => {
    for (const name of PAGE_NAMES) {
      const response = await fetch(`${node.url}/docs/${name}.md`);
      expect([name, response.status, response.headers.get('content-type')]).toEqual([
        name,
        200,
        'text/markdown; charset=utf-8',
      ]);
      const text = await response.text();
      expect(text).toMatch(/^# /);
      for (const [block] of text.matchAll(/^```[\s\S]*?^```$/gm)) expect(block).not.toContain('127.0.0.1:8787');
    }
  });

  it('has an index whose sections exist, and which a browser loads in 80 kB', async () => {
    const response = await fetch(`${node.url}/docs/search.json`, { headers: { 'Accept-Encoding': 'gzip' } });
    const sections = (await response.json()) as { page: string; heading: string; path: string; text: string }[];
    const pages = new Map<string, string[]>();
    for (const { path } of sections) {
      const [page = '', anchor] = path.split('#');
      if (!pages.has(page)) pages.set(page, idsIn(await (await fetch(node.url + page)).text()));
      if (anchor) expect(pages.get(page), path).toContain(anchor);
    }
    expect([...pages.keys()].sort()).toEqual(PAGE_NAMES.map(pathOf).sort());
    expect(sections.find(({ path }) => path === '/docs/limits#plans')?.text).toContain('50,000');
    const compressed = gzipSync(JSON.stringify(sections)).length + gzipSync(SEARCH_ENGINE.body).length;
    expect(compressed).toBeLessThan(80_000);
  });

  it('is listed in /llms.txt page by page, and is whole in /llms-full.txt', async () => {
    const index = await (await fetch(`${node.url}/llms.txt`)).text();
    expect(index).toMatch(/^# WhiteMagic\n\n> \S.*\n\n/);
    const links = [...index.matchAll(/^- \[[^\]]+\]\(([^)]+)\)/gm)].map((match) => match[1] as string);
    for (const name of PAGE_NAMES) expect(links).toContain(`${node.url}/docs/${name}.md`);
    for (const link of links) expect([link, (await fetch(link)).status]).toEqual([link, 200]);
    const full = await (await fetch(`${node.url}/llms-full.txt`)).text();
    for (const name of PAGE_NAMES) {
      const page = await (await fetch(`${node.url}/docs/${name}.md`)).text();
      expect(full.includes(page.trim()), name).toBe(true);
    }
  });

  it('names every page on its first one', async () => {
    const text = await (await fetch(`${node.url}/docs`)).text();
    const article = text.slice(text.indexOf('<article'), text.indexOf('</article>'));
    for (const name of PAGE_NAMES.filter((name) => name !== INDEX && !referenceTag(name)))
      expect(article).toContain(`href="${pathOf(name)}"`);
  });
});

/** Returns the targets of links in tokens, and the anchors of headings. */
function linksAndAnchors(markdown: string): { links: string[]; anchors: string[] } {
  const links: string[] = [];
  const anchors: string[] = [];
  const slug = uniqueSlugs();
  marked.walkTokens(marked.lexer(markdown), (token: Token) => {
    if (token.type === 'link') links.push(token.href);
    if (token.type === 'heading') anchors.push(slug(token.text.replace(/`/g, '')));
  });
  return { links, anchors };
}

describe('Markdown files in the repository', () => {
  it('have no broken relative link or anchor', () => {
    const folders = ['.', 'docs', 'docs/decisions', 'legal'];
    const files = folders.flatMap((folder) =>
      readdirSync(join(ROOT, folder))
        .filter((file) => file.endsWith('.md'))
        .map((file) => join(ROOT, folder, file)),
    );
    const read = new Map(files.map((file) => [file, linksAndAnchors(readFileSync(file, 'utf8'))]));
    const broken = [...read].flatMap(([file, { links }]) =>
      links
        .filter((href) => !/^([a-z]+:|\/)/.test(href))
        .filter((href) => {
          const [path, anchor] = href.split('#');
          const target = path ? resolve(dirname(file), path) : file;
          const isBroken = !existsSync(target);
          return isBroken || (anchor && target.endsWith('.md') && !read.get(target)?.anchors.includes(anchor));
        })
        .map((href) => `${file.slice(ROOT.length + 1)} → ${href}`),
    );
    expect(broken).toEqual([]);
  });
});
