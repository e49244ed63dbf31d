import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '..');

/** The rooms of the house: the first pattern that fits a file's path names its room. */
const ROOMS: [room: string, pattern: RegExp][] = [
  ['bridge', /^mcp\/cli\//],
  ['mcp', /^mcp\//],
  ['db', /^db\//],
  ['contracts', /^api\/contracts\//],
  ['pipeline', /^api\/(pipeline\/|auth\/browser-sign-in\.ts$)/],
  ['middleware', /^api\/http\/middleware\//],
  ['http', /^api\/http\/koa\.ts$/],
  ['routes', /^api\/http\/routes\//],
  ['jobs', /^api\/jobs\//],
  ['pages', /^api\/pages\//],
  ['observability', /^api\/observability\//],
  ['base', /^api\/(errors|context|config|version|ids|time|audit|closers)\.ts$/],
  ['entry', /^(api\/(main|bootstrap|app|startup-banner)\.ts|scripts\/)/],
  ['domain', /^api\/\w+\//],
];

/** Who may import whom. A room may always import itself. */
const MAY_IMPORT: Record<string, string[]> = {
  bridge: [],
  db: [],
  base: ['db', 'contracts', 'domain'],
  contracts: ['base'],
  observability: [],
  domain: ['db', 'contracts', 'base', 'observability'],
  pipeline: ['domain', 'db', 'contracts', 'base', 'observability'],
  pages: ['domain', 'db', 'base'],
  http: ['pipeline', 'contracts', 'db', 'base'],
  middleware: ['http', 'pages', 'base', 'observability', 'pipeline'],
  routes: ['http', 'contracts', 'pipeline', 'pages', 'base'],
  mcp: ['http', 'contracts', 'pipeline', 'base'],
  jobs: ['domain', 'db', 'base', 'observability', 'contracts', 'pipeline'],
  entry: [
    'bridge',
    'db',
    'base',
    'contracts',
    'observability',
    'domain',
    'pipeline',
    'http',
    'middleware',
    'routes',
    'mcp',
    'jobs',
  ],
};

/** Packages that only some rooms may know. */
const ONLY_IN: Record<string, RegExp> = {
  knex: /^db\//,
  pg: /^db\/|^scripts\/bench\/bare-route\.ts/,
  koa: /^api\/(app\.ts|http\/)|^mcp\/http\.ts|^scripts\/bench\/bare-route\.ts/,
  '@koa/router': /^api\/(app\.ts|http\/routes\/)|^mcp\/http\.ts/,
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
