import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { z } from 'zod';
import { type EvalService, untilEmbedded } from '../../eval/service.ts';
import { textOf } from './mcp-peers.ts';
import { HITS, idsIn, type Peer, storeAtOnce } from './peer.ts';
import type { PeerNote } from './texts.ts';

/** Most memories of a batch. */
const BATCH = 100;
const found = z.object({ results: z.array(z.object({ title: z.string() })) });

const memoryOf = ({ id, title, text }: PeerNote) => ({ title: `${id} ${title}`, content: text });

/** WhiteMagic with its embedded database, for an account of its own. */
export async function whiteMagic(service: EvalService, transport: 'REST' | 'MCP'): Promise<Peer> {
  const key = await service.addUser();
  const { store, search, close } = transport === 'REST' ? overRest(service, key) : await overMcp(service, key);
  return {
    name: `WhiteMagic, ${transport}`,
    async fill(notes, signal) {
      for (let at = 0; at < notes.length; at += BATCH) {
        signal.throwIfAborted();
        await service.call(key, 'POST', '/memories/batch', { memories: notes.slice(at, at + BATCH).map(memoryOf) });
      }
      await untilEmbedded(service, 'WhiteMagic', [key]);
    },
    store,
    storeTogether: (notes) => storeAtOnce(notes, store),
    search,
    async keeps(notes) {
      const kept: string[] = [];
      for (const { id } of notes) {
        const { body } = await service.call(key, 'POST', '/search', { query: id, limit: HITS });
        if (titlesIn(body).some((title) => title.startsWith(id))) kept.push(id);
      }
      return kept;
    },
    close,
  };
}

type Calls = Pick<Peer, 'store' | 'search' | 'close'>;

function overRest(service: EvalService, key: string): Calls {
  return {
    store: async (note) => void (await service.call(key, 'POST', '/memories', memoryOf(note))),
    async search(query) {
      const { body } = await service.call(key, 'POST', '/search', { query, limit: HITS });
      return titlesIn(body).flatMap(idsIn);
    },
    close: async () => undefined,
  };
}

async function overMcp(service: EvalService, key: string): Promise<Calls> {
  const client = new Client({ name: 'bench-peers', version: '1.0.0' });
  const headers = { Authorization: `Bearer ${key}` };
  await client.connect(new StreamableHTTPClientTransport(new URL(`${service.url}/mcp`), { requestInit: { headers } }));
  const call = async (name: string, input: object) => {
    const result = await client.callTool({ name, arguments: { ...input } });
    if (result.isError) throw new Error(textOf(result).slice(0, 300));
    return result;
  };
  return {
    store: async (note) => void (await call('create_memory', memoryOf(note))),
    async search(query) {
      // Without a budget of its own a tool cuts its response to 1,500 tokens.
      const result = await call('search_memories', { query, limit: HITS, max_tokens: 10_000 });
      return idsIn(textOf(result)).slice(0, HITS);
    },
    close: () => client.close(),
  };
}

function titlesIn(body: unknown): string[] {
  return found.parse(body).results.map(({ title }) => title);
}
