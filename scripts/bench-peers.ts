import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { installMem0, installNodePeers } from './bench/peers/install.ts';
import { libsql, memorix, serverMemory } from './bench/peers/mcp-peers.ts';
import { type Measured, measure } from './bench/peers/measure.ts';
import { mem0 } from './bench/peers/mem0.ts';
import type { Peer } from './bench/peers/peer.ts';
import { report } from './bench/peers/report.ts';
import { readTexts } from './bench/peers/texts.ts';
import { whiteMagic } from './bench/peers/whitemagic.ts';
import { type EvalService, startEvalService } from './eval/service.ts';

const USAGE = `Usage: npm run bench:peers [-- options]

Compares WhiteMagic with other memories on this machine: latency, recall of the same questions, and stores lost at once.

  --only NAME[,NAME…]   of: rest, mcp, server-memory, libsql, memorix, mem0
  --sizes N[,N…]        memories (100,1000,10000)
  --seconds N           most seconds to fill a memory to a size; one that takes longer is measured no further (150)
  --json FILE           keeps the figures there, and prints those that it has of other memories too

The others are installed on demand into node_modules/.cache: from npm, and from PyPI with python3 and venv.`;

/** Opens a memory in an empty folder. */
type Open = (folder: string, service: () => Promise<EvalService>) => Promise<Peer>;

const PEERS: Record<string, Open> = {
  rest: async (_folder, service) => whiteMagic(await service(), 'REST'),
  mcp: async (_folder, service) => whiteMagic(await service(), 'MCP'),
  'server-memory': async (folder) => serverMemory(await installNodePeers(), folder),
  libsql: async (folder) => libsql(await installNodePeers(), folder),
  memorix: async (folder) => memorix(await installNodePeers(), folder),
  mem0: async (folder) => mem0(await installMem0(), folder),
};

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      only: { type: 'string', default: Object.keys(PEERS).join(',') },
      sizes: { type: 'string', default: '100,1000,10000' },
      seconds: { type: 'string', default: '150' },
      json: { type: 'string' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help) return console.log(USAGE);
  const sizes = values.sizes.split(',').map(Number);
  const texts = await readTexts();
  const measured: Record<string, Measured> = values.json ? await readFigures(values.json) : {};
  for (const name of values.only.split(',')) {
    const open = PEERS[name];
    if (!open) throw new Error(`--only takes ${Object.keys(PEERS).join(', ')}`);
    measured[name] = await measureIn(open, (peer) => measure(peer, sizes, texts, Number(values.seconds), progress));
    if (values.json) await writeFile(values.json, `${JSON.stringify(measured)}\n`);
  }
  const inOrder = Object.keys(PEERS).flatMap((name) => measured[name] ?? []);
  console.log(report(inOrder, texts.questions.length, availableParallelism()));
}

/** Opens a memory in a folder of its own, measures it, and removes the folder. */
async function measureIn(open: Open, act: (peer: Peer) => Promise<Measured>): Promise<Measured> {
  const folder = await mkdtemp(join(tmpdir(), 'whitemagic-peers-'));
  let service: EvalService | undefined;
  let peer: Peer | undefined;
  try {
    peer = await open(folder, async () => (service = await startEvalService({})));
    return await act(peer);
  } finally {
    await peer?.close();
    await service?.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

async function readFigures(file: string): Promise<Record<string, Measured>> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as Record<string, Measured>;
  } catch {
    return {};
  }
}

function progress(line: string): void {
  console.error(line);
}

await main();
