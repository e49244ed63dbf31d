import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '..');

interface Area {
  files: RegExp;
  /** Areas that its files may import, beside their own. `*`: any. */
  imports: readonly string[] | '*';
}

/** Foundation of the API: what every folder of it may import. */
const BASE = ['foundation', 'contracts', 'limits', 'context', 'audit', 'observability'] as const;
const QUERIES = [
  'db/client',
  'db/accounts',
  'db/billing',
  'db/jobs',
  'db/memories',
  'db/search',
  'db/usage',
  'db/webhooks',
] as const;

/** The areas of the project, lowest first. Each may import only areas above it in this list, so the graph is acyclic. */
const AREAS: Record<string, Area> = {
  'db/client': { files: /^db\/client\//, imports: [] },
  'db/migrations': { files: /^db\/migrations\//, imports: [] },
  'db/embedded': { files: /^db\/embedded\//, imports: ['db/client'] },
  'db/schema': { files: /^db\/schema\//, imports: ['db/client', 'db/migrations'] },
  'db/backup': { files: /^db\/backup\//, imports: ['db/client', 'db/schema'] },
  'db/accounts': { files: /^db\/queries\/accounts\//, imports: ['db/client'] },
  'db/billing': { files: /^db\/queries\/billing\//, imports: ['db/client', 'db/accounts', 'db/jobs'] },
  'db/jobs': { files: /^db\/queries\/jobs\//, imports: ['db/client'] },
  'db/memories': { files: /^db\/queries\/memories\//, imports: ['db/client'] },
  'db/search': { files: /^db\/queries\/search\//, imports: ['db/client', 'db/memories'] },
  'db/usage': { files: /^db\/queries\/usage\//, imports: ['db/client', 'db/accounts'] },
  // Settings of each client for the service. Runs in the service, in a browser and in the command line.
  'client setup': { files: /^mcp\/client-setup\//, imports: [] },
  // The clients for programs are packages of their own and import nothing else.
  clients: { files: /^mcp\/clients\//, imports: [] },
  'db/webhooks': { files: /^db\/queries\/webhooks\//, imports: ['db/client'] },
  foundation: { files: /^api\/(errors|ids|version|time|closers|program-beside)\.ts$/, imports: ['db/client'] },
  contracts: { files: /^api\/contracts\//, imports: ['foundation'] },
  observability: { files: /^api\/observability\//, imports: ['foundation', 'db/client'] },
  outgoing: { files: /^api\/outgoing\//, imports: [] },
  limits: { files: /^api\/limits\//, imports: ['foundation', ...QUERIES] },
  config: { files: /^api\/config\.ts$/, imports: ['foundation', 'observability', 'limits', 'db/accounts'] },
  context: { files: /^api\/context\.ts$/, imports: ['contracts', 'limits', ...QUERIES] },
  audit: { files: /^api\/audit\.ts$/, imports: ['context', ...QUERIES] },
  tokens: { files: /^api\/tokens\//, imports: [] },
  embeddings: { files: /^api\/embeddings\//, imports: ['foundation', 'observability', ...QUERIES] },
  listing: { files: /^api\/listing\//, imports: [...BASE, ...QUERIES] },
  mail: { files: /^api\/mail\//, imports: [...BASE, 'config', ...QUERIES] },
  webhooks: { files: /^api\/webhooks\//, imports: [...BASE, 'outgoing', 'listing', 'mail', ...QUERIES] },
  search: { files: /^api\/search\//, imports: [...BASE, 'tokens', 'embeddings', 'listing', ...QUERIES] },
  'context packages': {
    files: /^api\/context\//,
    imports: [...BASE, 'tokens', 'embeddings', 'listing', 'search', ...QUERIES],
  },
  memories: {
    files: /^api\/memories\//,
    imports: [...BASE, 'tokens', 'embeddings', 'listing', 'webhooks', 'search', ...QUERIES],
  },
  keys: { files: /^api\/keys\//, imports: [...BASE, 'mail', 'webhooks', ...QUERIES] },
  oauth: { files: /^api\/oauth\//, imports: [...BASE, 'mail', 'webhooks', 'keys', ...QUERIES] },
  accounts: { files: /^api\/accounts\//, imports: [...BASE, 'listing', 'mail', 'webhooks', 'keys', ...QUERIES] },
  backup: { files: /^api\/backup\//, imports: [...BASE, 'config', 'accounts', 'db/backup', ...QUERIES] },
  usage: { files: /^api\/usage\//, imports: [...BASE, 'listing', 'mail', 'webhooks', 'db/schema', ...QUERIES] },
  transfer: {
    files: /^api\/transfer\//,
    imports: [...BASE, 'embeddings', 'listing', 'memories', 'mail', 'webhooks', ...QUERIES],
  },
  billing: {
    files: /^api\/billing\//,
    imports: [...BASE, 'config', 'mail', 'webhooks', 'keys', 'accounts', ...QUERIES],
  },
  overview: { files: /^api\/overview\//, imports: [...BASE, 'usage', 'billing', ...QUERIES] },
  auth: { files: /^api\/auth\//, imports: [...BASE, 'mail', 'keys', 'accounts', 'billing', ...QUERIES] },
  operator: {
    files: /^api\/operator\//,
    imports: [...BASE, 'listing', 'accounts', 'usage', 'billing', ...QUERIES],
  },
  pipeline: {
    files: /^api\/pipeline\//,
    imports: [
      ...BASE,
      'outgoing',
      'webhooks',
      'operator',
      'tokens',
      'embeddings',
      'listing',
      'search',
      'context packages',
      'memories',
      'keys',
      'oauth',
      'accounts',
      'usage',
      'transfer',
      'billing',
      'overview',
      'auth',
      ...QUERIES,
    ],
  },
  pages: {
    files: /^api\/pages\//,
    imports: [
      ...BASE,
      'client setup',
      'config',
      'mail',
      'webhooks',
      'keys',
      'accounts',
      'usage',
      'transfer',
      'billing',
      'auth',
      ...QUERIES,
    ],
  },
  'docs site': { files: /^api\/docs-site\//, imports: [...BASE, 'client setup', 'keys', 'pages'] },
  http: {
    files: /^api\/http\//,
    imports: [
      ...BASE,
      'client setup',
      'config',
      'keys',
      'billing',
      'auth',
      'pipeline',
      'pages',
      'docs site',
      ...QUERIES,
    ],
  },
  startup: { files: /^api\/startup\//, imports: [...BASE, 'config', 'db/schema'] },
  jobs: {
    files: /^api\/jobs\//,
    imports: [
      ...BASE,
      'config',
      'outgoing',
      'mail',
      'webhooks',
      'backup',
      'startup',
      'memories',
      'keys',
      'oauth',
      'accounts',
      'usage',
      'transfer',
      'billing',
      'auth',
      'db/schema',
      ...QUERIES,
    ],
  },
  // Runs in a browser: of the API it has only types, texts that know no server, and the icon.
  dashboard: { files: /^api\/dashboard\//, imports: ['client setup', 'contracts', 'keys', 'pages'] },
  mcp: {
    files: /^mcp\/(?!cli\/|clients\/|client-setup\/)/,
    imports: [...BASE, 'client setup', 'tokens', 'keys', 'oauth', 'outgoing', 'pipeline', 'http', 'pages', ...QUERIES],
  },
  'mcp/cli': { files: /^mcp\/cli\//, imports: ['client setup', 'clients'] },
  composition: { files: /^api\/(main|bootstrap|app|startup-banner)\.ts$/, imports: '*' },
  scripts: { files: /^scripts\//, imports: '*' },
};

/** Packages that only some files may import. */
const ONLY_IN: Record<string, RegExp> = {
  knex: /^db\//,
  pg: /^db\/|^scripts\/bench\//,
  koa: /^api\/(app\.ts|http\/)|^mcp\/(http\.ts|oauth\/)|^scripts\/bench\/(bare|plain)-route\.ts/,
  '@koa/router': /^api\/(app\.ts|http\/routes\/)|^mcp\/(http\.ts|oauth\/)/,
  'oidc-provider': /^mcp\/oauth\//,
  '@modelcontextprotocol/sdk':
    /^mcp\/legacy\.ts|^scripts\/(demo|launch|eval\/ask|bench\/sdk-server|bench\/peers\/(mcp-peers|whitemagic)|bench-agents\/memories)\.ts/,
  '@modelcontextprotocol/server': /^mcp\/modern\.ts/,
};

/** Files outside `db` that may contain SQL: benchmarks, and the check of the kill test. No service runs these statements. */
const SQL_OUTSIDE_DB = /^scripts\/(bench|chaos)\//;

const files = ['api', 'mcp', 'db', 'scripts'].flatMap((folder) =>
  readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => /\.tsx?$/.test(file) && !file.includes('node_modules'))
    .map((file) => join(folder, file)),
);

const sources = new Map(files.map((file) => [file, readFileSync(join(ROOT, file), 'utf8')]));

const imports = [...sources].flatMap(([file, source]) =>
  [...source.matchAll(/^(?:import|export) [^;]*?from '([^']+)'|import\('([^']+)'\)/gms)].map((match) => ({
    file,
    target: (match[1] ?? match[2]) as string,
  })),
);

const fileImports = imports
  .filter(({ target }) => target.startsWith('.'))
  .map(({ file, target }) => ({ file, target: relative(ROOT, join(ROOT, dirname(file), target)) }));

const areaOf = (file: string) => Object.keys(AREAS).find((name) => AREAS[name]?.files.test(file));

/** Returns a path that leads from a node back to itself, or undefined where there is none. */
function findCycle(graph: ReadonlyMap<string, readonly string[]>): string[] | undefined {
  const done = new Set<string>();
  const visit = (node: string, path: string[]): string[] | undefined => {
    if (path.includes(node)) return [...path.slice(path.indexOf(node)), node];
    if (done.has(node)) return undefined;
    for (const next of graph.get(node) ?? []) {
      const cycle = visit(next, [...path, node]);
      if (cycle) return cycle;
    }
    done.add(node);
    return undefined;
  };
  for (const node of graph.keys()) {
    const cycle = visit(node, []);
    if (cycle) return cycle;
  }
  return undefined;
}

function graphOf(edges: readonly { from: string; to: string }[]): Map<string, string[]> {
  const graph = new Map<string, string[]>();
  for (const { from, to } of edges) graph.set(from, [...(graph.get(from) ?? []), to]);
  return graph;
}

describe('architecture', () => {
  it('finds a cycle in a graph, and none in a tree', () => {
    const edge = (from: string, to: string) => ({ from, to });
    expect(findCycle(graphOf([edge('a', 'b'), edge('b', 'c'), edge('c', 'b')]))).toEqual(['b', 'c', 'b']);
    expect(findCycle(graphOf([edge('a', 'b'), edge('a', 'c'), edge('b', 'c')]))).toBeUndefined();
  });

  it('has an area for every file, so a new folder needs an entry', () => {
    expect(files.filter((file) => areaOf(file) === undefined)).toEqual([]);
    expect(files.length).toBeGreaterThan(200);
  });

  it('allows only imports that form a directed acyclic graph', () => {
    const edges = Object.entries(AREAS).flatMap(([from, { imports }]) =>
      imports === '*' ? [] : imports.map((to) => ({ from, to })),
    );
    expect(edges.filter(({ to }) => !(to in AREAS))).toEqual([]);
    expect(findCycle(graphOf(edges))).toBeUndefined();
  });

  it('has no import that its area does not allow', () => {
    const wrong = fileImports
      .filter(({ file, target }) => {
        const [from, to] = [areaOf(file), areaOf(target)];
        if (from === to) return false;
        const allowed = AREAS[from ?? '']?.imports ?? [];
        return allowed !== '*' && !allowed.includes(to ?? '');
      })
      .map(({ file, target }) => `${file} → ${target}`);
    expect(wrong).toEqual([]);
  });

  it('has no import cycle between files', () => {
    expect(findCycle(graphOf(fileImports.map(({ file, target }) => ({ from: file, to: target }))))).toBeUndefined();
  });

  it('imports knex, pg, Koa and the MCP SDK only where they belong', () => {
    const wrong = imports.filter(({ file, target }) => {
      const name = target
        .split('/')
        .slice(0, target.startsWith('@') ? 2 : 1)
        .join('/');
      return ONLY_IN[name] && !ONLY_IN[name].test(file);
    });
    expect(wrong).toEqual([]);
  });

  it('contains SQL only in db', () => {
    const withSql = [...sources]
      .filter(([file]) => !file.startsWith('db/') && !SQL_OUTSIDE_DB.test(file))
      .filter(([, source]) =>
        /\b(select .+ from|insert into|delete from) /i.test(source.replace(/^\s*(\/\/|\*|\/\*|import ).*$/gm, '')),
      );
    expect(withSql.map(([file]) => file)).toEqual([]);
  });
});

describe('the configuration page', () => {
  it('names every variable that is read, and no other', () => {
    const read = [...readFileSync(join(ROOT, 'api/config.ts'), 'utf8').matchAll(/^ {2}([A-Z][A-Z0-9_]+): /gm)].map(
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
