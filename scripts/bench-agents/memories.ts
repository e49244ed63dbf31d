import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { truncateToTokens } from './tokens.ts';

/** Text that a session gets for a question, and the calls that it takes. */
export interface Recalled {
  text: string;
  calls: number;
}

/** A memory that agents use by tools or as a file. */
export interface AgentMemory {
  name: string;
  /** Stores a fact of a project; `replaces` is the title of the fact that it corrects. */
  store(project: string, fact: readonly [title: string, text: string], replaces?: string): Promise<void>;
  /** Gets what is needed for a question, within a token budget. */
  recall(project: string, question: string, budget: number): Promise<Recalled>;
  close(): Promise<void>;
}

/** WhiteMagic over MCP, one connection a project as the bridge makes it: one call of `get_context` a question. */
export function whiteMagic(url: string, key: string): AgentMemory {
  const clients = new Map<string, Client>();
  const ids = new Map<string, string>();
  const clientOf = async (project: string) => {
    const known = clients.get(project);
    if (known) return known;
    const client = new Client({ name: 'bench-agents', version: '1.0.0' });
    const headers = { Authorization: `Bearer ${key}` };
    const address = new URL(`${url}/mcp?${new URLSearchParams({ project })}`);
    await client.connect(new StreamableHTTPClientTransport(address, { requestInit: { headers } }));
    clients.set(project, client);
    return client;
  };
  return {
    name: 'WhiteMagic',
    async store(project, [title, content], replaces) {
      const supersedes = replaces === undefined ? undefined : ids.get(`${project} ${replaces}`);
      const args = { title, content, ...(supersedes !== undefined && { supersedes }) };
      const result = await (await clientOf(project)).callTool({ name: 'create_memory', arguments: args });
      const { id } = (result.structuredContent ?? {}) as { id?: string };
      if (result.isError || id === undefined) throw new Error(textOf(result));
      ids.set(`${project} ${title}`, id);
    },
    async recall(project, query, budget) {
      const client = await clientOf(project);
      const result = await client.callTool({ name: 'get_context', arguments: { query, max_tokens: budget } });
      return { text: textOf(result), calls: 1 };
    },
    async close() {
      for (const client of clients.values()) await client.close();
    },
  };
}

/** Words of a question that an agent would not search for. */
const COMMON =
  /^(what|when|which|where|whom|does|have|that|this|from|with|they|were|into|made|must|shall|should|there|their|them|would|could|happens)$/i;
const SEARCHES_MAX = 4;

/**
 * The server-memory of the MCP project: an entity a fact, and `search_nodes` with the question, then with its longest words until
 * something is found. It has one graph, so the entity's name has the project.
 */
export async function serverMemory(folder: string): Promise<AgentMemory> {
  const program = install(folder);
  const file = join(folder, `memory-${process.pid}.jsonl`);
  const client = new Client({ name: 'bench-agents', version: '1.0.0' });
  const { PATH = '' } = process.env;
  const env = { PATH, MEMORY_FILE_PATH: file };
  await client.connect(new StdioClientTransport({ command: process.execPath, args: [program], env, stderr: 'ignore' }));
  return {
    name: 'server-memory',
    async store(project, [title, text]) {
      const entities = [{ name: `${project}: ${title}`, entityType: 'fact', observations: [text] }];
      await client.callTool({ name: 'create_entities', arguments: { entities } });
    },
    async recall(project, question, budget) {
      const words = question
        .split(/[^\p{L}\p{N}-]+/u)
        .filter((word) => word.length > 3 && !COMMON.test(word))
        .sort((a, b) => b.length - a.length);
      let found: string[] = [];
      let calls = 0;
      for (const query of [question, ...words].slice(0, SEARCHES_MAX)) {
        calls++;
        const result = await client.callTool({ name: 'search_nodes', arguments: { query } });
        const { entities } = JSON.parse(textOf(result)) as { entities: { name: string; observations: string[] }[] };
        found = entities.filter(({ name }) => name.startsWith(`${project}:`)).map((entity) => JSON.stringify(entity));
        if (found.length > 0) break;
      }
      return { text: truncateToTokens(found.join('\n'), budget), calls };
    },
    close: () => client.close(),
  };
}

/**
 * A file of notes that the client loads whole at the beginning of a session, as CLAUDE.md.
 * @param isCut cuts it to the budget, the newest notes kept
 */
export function notesFile(isCut: boolean): AgentMemory {
  const files = new Map<string, string[]>();
  return {
    name: isCut ? 'CLAUDE.md, newest notes within the budget' : 'CLAUDE.md, whole',
    async store(project, [title, text]) {
      files.set(project, [...(files.get(project) ?? []), `- **${title}**: ${text}`]);
    },
    async recall(project, _question, budget) {
      const lines = files.get(project) ?? [];
      const text = isCut ? truncateToTokens([...lines].reverse().join('\n'), budget) : lines.join('\n');
      return { text, calls: 0 };
    },
    close: async () => undefined,
  };
}

function install(folder: string): string {
  const program = join(folder, 'node_modules/@modelcontextprotocol/server-memory/dist/index.js');
  if (!existsSync(program)) {
    mkdirSync(folder, { recursive: true });
    const options = ['--no-audit', '--no-fund', '--ignore-scripts', '--loglevel=error'];
    const name = '@modelcontextprotocol/server-memory@2026.8.31';
    execFileSync('npm', ['install', '--prefix', folder, ...options, name], { stdio: ['ignore', 2, 2] });
  }
  return program;
}

function textOf(result: unknown): string {
  const { content = [] } = result as { content?: { text?: string }[] };
  return content.map(({ text = '' }) => text).join('\n');
}
