import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { InferenceSession } from 'onnxruntime-node';
import { normalize } from '../../api/embeddings/normalize.ts';
import { root } from '../program.ts';

/** Tokens of the passages whose time is measured, [CLS] and [SEP] included. */
const LENGTHS = [16, 64, 256];
const RUNS = 10;
const WIDTH = 384;

/** Figures of a graph. */
interface Measured {
  /** Milliseconds of processor time for a passage of each length. */
  cpuMs: number[];
  /** Vectors of the texts. */
  vectors: Float32Array[];
}

/** Prints the processor time of two graphs of the encoder on one thread, and how near their vectors of the notes in `test/eval/agents` are. */
export async function compareModels(published: Uint8Array, fused: Uint8Array): Promise<void> {
  const texts = await tokenizedNotes();
  const [before, now] = [await measure(published, texts), await measure(fused, texts)];
  const cosines = before.vectors.map((vector, index) => dot(vector, now.vectors[index] as Float32Array));
  const row = (graph: string, { cpuMs }: Measured) =>
    Object.fromEntries([
      ['graph', graph],
      ...LENGTHS.map((length, index) => [`${length} tokens, CPU ms`, Number(cpuMs[index]?.toFixed(1))]),
    ]);
  const unsigned = await measure(fused, [], true);
  console.table([row('published', before), row('fused, int8', now), row('fused, unsigned', unsigned)]);
  const mean = cosines.reduce((sum, cosine) => sum + cosine, 0) / cosines.length;
  console.log(
    `cosine of the vectors of ${texts.length} notes: mean ${mean.toFixed(4)}, least ${Math.min(...cosines).toFixed(4)}`,
  );
}

async function tokenizedNotes(): Promise<number[][]> {
  const { Tokenizer } = await import('@huggingface/tokenizers');
  const read = async (name: string) =>
    JSON.parse(await readFile(join(root, 'api/embeddings/local/model', name), 'utf8'));
  const tokenizer = new Tokenizer(await read('tokenizer.json'), await read('tokenizer_config.json'));
  const notes = (await readFile(join(root, 'test/eval/agents/corpus.jsonl'), 'utf8')).split('\n').filter(Boolean);
  return notes.map((line) => {
    const { title, text } = JSON.parse(line) as { title: string; text: string };
    return tokenizer.encode(`${title}\n${text}`).ids.slice(0, 256);
  });
}

/** @param isUnsigned makes the weights unsigned, as on processors without VNNI */
async function measure(model: Uint8Array, texts: readonly number[][], isUnsigned = false): Promise<Measured> {
  const ort = await import('onnxruntime-node');
  const session: InferenceSession = await ort.InferenceSession.create(model, {
    intraOpNumThreads: 1,
    extra: { session: { x64quantprecision: isUnsigned ? '1' : '0' } },
  });
  const run = async (ids: readonly number[]) => {
    const tensor = (numbers: BigInt64Array) => new ort.Tensor('int64', numbers, [1, ids.length]);
    const inputs = {
      input_ids: tensor(BigInt64Array.from(ids, BigInt)),
      attention_mask: tensor(new BigInt64Array(ids.length).fill(1n)),
      token_type_ids: tensor(new BigInt64Array(ids.length)),
    };
    const taken = Object.entries(inputs).filter(([name]) => session.inputNames.includes(name));
    const { last_hidden_state: states } = await session.run(Object.fromEntries(taken));
    return states?.data as Float32Array;
  };
  const cpuMs: number[] = [];
  for (const length of LENGTHS) {
    const ids = Array.from({ length }, (_, at) => 2_000 + at);
    await run(ids);
    const from = process.cpuUsage();
    for (let n = 0; n < RUNS; n++) await run(ids);
    const { user, system } = process.cpuUsage(from);
    cpuMs.push((user + system) / 1_000 / RUNS);
  }
  const vectors: Float32Array[] = [];
  for (const ids of texts) vectors.push(meanOf(await run(ids)));
  return { cpuMs, vectors };
}

function meanOf(states: Float32Array): Float32Array {
  const sum = new Float32Array(WIDTH);
  for (const [at, number] of states.entries()) sum[at % WIDTH] = (sum[at % WIDTH] as number) + number;
  return normalize(sum);
}

const dot = (a: Float32Array, b: Float32Array) => a.reduce((sum, number, k) => sum + number * (b[k] as number), 0);
