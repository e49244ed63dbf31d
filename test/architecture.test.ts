import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '..');

/** The rooms of the house: the first pattern that fits a file's path names its room. */
const ROOMS: [room: string, pattern: RegExp][] = [
  ['bridge', /^mcp\/(cli\/|stdio\.ts)/],
  ['mcp', /^mcp\//],
  ['db', /^db\//],
  ['contracts', /^api\/contracts\//],
  ['gates', /^api\/gates\//],
  ['middleware', /^api\/middleware\//],
  ['routes', /^api\/routes\//],
  ['jobs', /^api\/jobs\//],
  ['pages', /^api\/pages\//],
  ['observe', /^api\/observe\//],
  ['base', /^api\/(errors|domain|config|version|ids)\.ts$/],
  ['entry', /^(api\/(main|service|app|welcome)\.ts|scripts\/)/],
  ['domain', /^api\/\w+\//],
];

/** Who may import whom. A room may always import itself. */
const MAY_IMPORT: Record<string, string[]> = {
  bridge: [],
  db: [],
  base: ['db', 'contracts', 'domain'],
  contracts: ['base'],
  observe: [],
  domain: ['db', 'contracts', 'base', 'observe'],
  gates: ['domain', 'db', 'contracts', 'base', 'observe'],
  pages: ['domain', 'db', 'base'],
  middleware: ['gates', 'pages', 'base', 'observe'],
  routes: ['contracts', 'gates', 'pages', 'base'],
  mcp: ['contracts', 'gates', 'base'],
  jobs: ['domain', 'db', 'base', 'observe', 'contracts', 'gates'],
  entry: ['bridge', 'db', 'base', 'contracts', 'observe', 'domain', 'gates', 'middleware', 'routes', 'mcp', 'jobs'],
};

/** Packages that only some rooms may know. */
const ONLY_IN: Record<string, RegExp> = {
  knex: /^db\//,
  pg: /^db\/|^scripts\/bench\/bare-route\.ts/,
  koa: /^api\/(app\.ts|gates\/koa\.ts|middleware\/|routes\/)|^mcp\/http\.ts|^scripts\/bench\/bare-route\.ts/,
  '@koa/router': /^api\/(app\.ts|routes\/)|^mcp\/http\.ts/,
  '@modelcontextprotocol/sdk': /^mcp\/(server|http)\.ts|^scripts\/(demo|eval\/ask)\.ts/,
};

const files = ['api', 'mcp', 'db', 'scripts'].flatMap((folder) =>
  readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => /\.tsx?$/.test(file))
    .map((file) => join(folder, file)),
);

const imports = files.flatMap((file) =>
  [
    ...readFileSync(join(ROOT, file), 'utf8').matchAll(
      /^(?:import|export) [^;]*?from '([^']+)'|import\('([^']+)'\)/gms,
    ),
  ].map((match) => ({ file, target: (match[1] ?? match[2]) as string })),
);

const roomOf = (file: string) => ROOMS.find(([, pattern]) => pattern.test(file))?.[0];

describe('the house', () => {
  it('has a room for every file', () => {
    expect(files.filter((file) => roomOf(file) === undefined)).toEqual([]);
    expect(files.length).toBeGreaterThan(50);
  });

  it('has imports in the drawn directions only', () => {
    const wrong = imports
      .filter(({ target }) => target.startsWith('.'))
      .map(({ file, target }) => ({
        file,
        from: roomOf(file),
        leadsTo: relative(ROOT, join(ROOT, dirname(file), target)),
      }))
      .filter(
        ({ from, leadsTo }) => from !== roomOf(leadsTo) && !MAY_IMPORT[from ?? '']?.includes(roomOf(leadsTo) ?? ''),
      );
    expect(wrong).toEqual([]);
  });

  it('keeps SQL, Koa and the MCP SDK where they belong', () => {
    const wrong = imports.filter(({ file, target }) => {
      const name = target
        .split('/')
        .slice(0, target.startsWith('@') ? 2 : 1)
        .join('/');
      return ONLY_IN[name] && !ONLY_IN[name].test(file);
    });
    expect(wrong).toEqual([]);
    const sql = files.filter(
      (file) =>
        !file.startsWith('db/') &&
        // What benchmarks compare with, fill at once, and count: no service runs these statements.
        !/^scripts\/bench\/(fill|tables)\.ts$/.test(file) &&
        /\b(select .+ from|insert into|delete from) /i.test(
          readFileSync(join(ROOT, file), 'utf8').replace(/^\s*(\/\/|\*|\/\*).*$/gm, ''),
        ),
    );
    expect(sql).toEqual([]);
  });
});

describe('the configuration page', () => {
  it('names every variable that is read, and no other', () => {
    const read = [...readFileSync(join(ROOT, 'api/config.ts'), 'utf8').matchAll(/^ {2}([A-Z][A-Z_]+): /gm)].map(
      (match) => match[1],
    );
    const page = readFileSync(join(ROOT, 'docs/configuration.md'), 'utf8');
    const rows = page.split('\n').filter((line) => line.startsWith('| `'));
    const named = rows.flatMap((row) =>
      [...(row.split('|')[1] ?? '').matchAll(/`([A-Z_]+)`/g)].map((match) => match[1]),
    );
    expect(named.sort()).toEqual(read.sort());
  });
});
