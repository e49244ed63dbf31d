import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { HITS, idsIn, type Peer, storeAtOnce } from './peer.ts';
import type { PeerNote } from './texts.ts';

interface Started {
  call(tool: string, args: object): Promise<string>;
  close(): Promise<void>;
}

/** Starts an MCP server as a child process. */
async function start(
  program: string,
  args: string[],
  cwd: string,
  variables: Record<string, string>,
): Promise<Started> {
  const client = new Client({ name: 'bench-peers', version: '1.0.0' });
  const { PATH = '' } = process.env;
  const env = { PATH, HOME: cwd, ...variables };
  const server = { command: process.execPath, args: [program, ...args], cwd, env };
  await client.connect(new StdioClientTransport({ ...server, stderr: 'ignore' }));
  return {
    async call(tool, input) {
      const result = await client.callTool({ name: tool, arguments: { ...input } }, undefined, { timeout: 120_000 });
      const text = textOf(result);
      if (result.isError) throw new Error(text.slice(0, 300));
      return text;
    },
    close: () => client.close(),
  };
}

export function textOf(result: unknown): string {
  const { content = [] } = result as { content?: { text?: string }[] };
  return content.map(({ text = '' }) => text).join('\n');
}

const entityOf = ({ id, title, text }: PeerNote) => ({
  name: `${id} ${title}`,
  entityType: 'note',
  observations: [text],
});

/** The server-memory of the MCP project: a JSON file that every call reads and writes whole. */
export async function serverMemory(packages: string, folder: string): Promise<Peer> {
  const program = join(packages, 'node_modules/@modelcontextprotocol/server-memory/dist/index.js');
  const { call, close } = await start(program, [], folder, { MEMORY_FILE_PATH: join(folder, 'memory.jsonl') });
  const store = async (note: PeerNote) => void (await call('create_entities', { entities: [entityOf(note)] }));
  return {
    name: 'server-memory 2026.8.31',
    fill: async (notes) => void (await call('create_entities', { entities: notes.map(entityOf) })),
    store,
    storeTogether: (notes) => storeAtOnce(notes, store),
    search: async (query) => idsIn(await call('search_nodes', { query })).slice(0, HITS),
    async keeps(notes) {
      const all = new Set(idsIn(await call('read_graph', {})));
      return notes.map(({ id }) => id).filter((id) => all.has(id));
    },
    close,
  };
}

/** Most entities of a call. */
const LIBSQL_BATCH = 50;

/** mcp-memory-libsql: entities in a file of libsql, found by `like`. */
export async function libsql(packages: string, folder: string): Promise<Peer> {
  const program = join(packages, 'node_modules/mcp-memory-libsql/dist/index.js');
  const { call, close } = await start(program, [], folder, { LIBSQL_URL: `file:${join(folder, 'memory.db')}` });
  const store = async (note: PeerNote) => void (await call('create_entities', { entities: [entityOf(note)] }));
  const search = async (query: string) =>
    idsIn(await call('search_nodes', { query: query.slice(0, 512), limit: HITS })).slice(0, HITS);
  return {
    name: 'mcp-memory-libsql 0.0.17',
    async fill(notes, signal) {
      for (let at = 0; at < notes.length; at += LIBSQL_BATCH) {
        signal.throwIfAborted();
        await call('create_entities', { entities: notes.slice(at, at + LIBSQL_BATCH).map(entityOf) });
      }
    },
    store,
    storeTogether: (notes) => storeAtOnce(notes, store),
    search,
    async keeps(notes) {
      const kept: string[] = [];
      for (const { id } of notes) if ((await search(id)).includes(id)) kept.push(id);
      return kept;
    },
    close,
  };
}

/** memorix as installed: without an embedding model, which it would download. It binds to a repository of git. */
export async function memorix(packages: string, folder: string): Promise<Peer> {
  const project = join(folder, 'project');
  mkdirSync(project, { recursive: true });
  execFileSync('git', ['init', '--quiet'], { cwd: project });
  execFileSync('git', ['remote', 'add', 'origin', 'https://example.com/bench/project.git'], { cwd: project });
  const program = join(packages, 'node_modules/memorix/dist/cli/index.js');
  const { call, close } = await start(program, ['serve', '--cwd', project], project, {
    HOME: folder,
    MEMORIX_DATA_DIR: join(folder, 'data'),
  });
  const store = async ({ id, title, text }: PeerNote) =>
    void (await call('memorix_store', { entityName: id, type: 'discovery', title: `${id} ${title}`, narrative: text }));
  const search = async (query: string) => {
    // The response repeats the query above the rows of its hits.
    const rows = (await call('memorix_search', { query, limit: HITS }))
      .split('\n')
      .filter((line) => line.startsWith('|'));
    return idsIn(rows.join('\n')).slice(0, HITS);
  };
  return {
    name: 'memorix 1.0.7',
    async fill(notes, signal) {
      for (const note of notes) {
        signal.throwIfAborted();
        await store(note);
      }
    },
    store,
    storeTogether: (notes) => storeAtOnce(notes, store),
    search,
    async keeps(notes) {
      const kept: string[] = [];
      for (const { id } of notes) if ((await search(id)).includes(id)) kept.push(id);
      return kept;
    },
    close,
  };
}
