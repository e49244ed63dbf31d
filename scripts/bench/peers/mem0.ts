import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import { startEncoderEndpoint } from '../../eval/encoder-endpoint.ts';
import { root } from '../../program.ts';
import { HITS, type Peer } from './peer.ts';
import type { PeerNote } from './texts.ts';

const answer = z.object({ result: z.unknown().optional(), error: z.string().optional() });
const ids = z.array(z.string());

/** mem0 in a process of Python without an LLM (`infer=False`), with Qdrant in the process and the vectors of our encoder. */
export async function mem0(python: string, folder: string): Promise<Peer> {
  const endpoint = await startEncoderEndpoint();
  const program = join(root, 'scripts/bench/peers/mem0_worker.py');
  const { PATH = '' } = process.env;
  const child = spawn(python, [program, folder, endpoint.url], {
    env: { PATH, HOME: folder },
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  const exited = once(child, 'exit');
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async () => {
    const { value, done } = await lines.next();
    if (done) throw new Error('mem0 ended');
    const { result, error } = answer.parse(JSON.parse(value));
    if (error) throw new Error(error);
    return result;
  };
  const ask = (action: string, request: object) => {
    child.stdin.write(`${JSON.stringify({ action, ...request })}\n`);
    return next();
  };
  await next();
  const itemOf = ({ id, title, text }: PeerNote) => ({ id, text: `${title}\n${text}` });
  const store = async (note: PeerNote) => void (await ask('store', itemOf(note)));
  return {
    name: 'mem0ai 2.2.1, infer=False',
    async fill(notes, signal) {
      for (const note of notes) {
        signal.throwIfAborted();
        await store(note);
      }
    },
    store,
    storeTogether: async (notes) => ids.parse(await ask('together', { items: notes.map(itemOf) })),
    search: async (query) => ids.parse(await ask('search', { query, limit: HITS })),
    async keeps(notes) {
      const all = new Set(ids.parse(await ask('kept', {})));
      return notes.map(({ id }) => id).filter((id) => all.has(id));
    },
    async close() {
      child.stdin.end();
      await exited;
      await endpoint.close();
    },
  };
}
