import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { InferenceSession, Tensor } from 'onnxruntime-node';
import type { ChunkSize } from '../chunks.ts';
import { normalize } from '../normalize.ts';
import { LOCAL_DIMENSIONS } from './model-name.ts';
import { WordCutter } from './word-tokenizer.ts';

/** Passage size without [CLS] and [SEP]; the model reads at most 256 tokens. */
export const LOCAL_CHUNK: ChunkSize = { tokens: 254, shared: 32 };

/** Checksums of the files in `model/`. `model/README.md` names their sources. */
const SHA256: Record<string, string> = {
  'model.onnx': 'da1738a61489f3315f1a2eb75b9da50170c5aa243e8c2cda156227e6586dd608',
  'tokenizer.json': 'be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037',
  'tokenizer_config.json': 'acb92769e8195aabd29b7b2137a9e6d6e25c476a4f15aa4355c233426c61576b',
};

const CLS = 101n;
const SEP = 102n;

/** The model cannot run on this machine: a file is missing or altered, or the platform has no native library. */
export class ModelUnusable extends Error {}

/**
 * Loads library, weights and tokenizer.
 * @param isUnsigned makes the weights unsigned, which changes no result. Default: where the processor needs it
 * @throws ModelUnusable if a retry would fail in the same way
 */
export async function loadModel(
  folder: string,
  threads: number,
  isUnsigned?: boolean,
): Promise<{ words: WordCutter; encoder: Encoder }> {
  const ort = await loadLibrary();
  const tokenizer = await readChecked(folder, 'tokenizer.json');
  const config = await readChecked(folder, 'tokenizer_config.json');
  const words = new WordCutter(JSON.parse(tokenizer.toString()), JSON.parse(config.toString()));
  // Created from the verified bytes; reading the file again could return others.
  const session = await ort.InferenceSession.create(await readChecked(folder, 'model.onnx'), {
    executionProviders: ['cpu'],
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    // Spinning threads take cores from the service: on two busy cores a query took 24 ms with two spinning threads of
    // the published graph, 6 ms with one.
    extra: {
      session: {
        intra_op: { allow_spinning: '0' },
        x64quantprecision: (isUnsigned ?? (await clampsSums())) ? '1' : '0',
      },
    },
    // With either of them memory grows with the longest text and never shrinks.
    enableCpuMemArena: false,
    enableMemPattern: false,
  });
  return { words, encoder: new Encoder(session, ort.Tensor) };
}

/**
 * Returns whether the processor may add two products of 8-bit integers in 16 bits, which clamps large sums unless both are unsigned: x86
 * without VNNI. Where it is not known, it is slower rather than wrong.
 */
async function clampsSums(): Promise<boolean> {
  if (process.arch !== 'x64') return false;
  const processors = await readFile('/proc/cpuinfo', 'utf8').catch(() => '');
  return !/\b(avx512_vnni|avx_vnni)\b/.test(processors);
}

async function loadLibrary(): Promise<typeof import('onnxruntime-node')> {
  try {
    return await import('onnxruntime-node');
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (!['ERR_DLOPEN_FAILED', 'MODULE_NOT_FOUND', 'ERR_MODULE_NOT_FOUND'].includes(code ?? '')) throw error;
    const platform = `${process.platform}-${process.arch}`;
    throw new ModelUnusable(`onnxruntime-node has no library that runs on this machine (${platform}): ${message}`);
  }
}

async function readChecked(folder: string, name: string): Promise<Buffer> {
  const path = join(folder, name);
  const bytes = await readFile(path).catch((error: NodeJS.ErrnoException) => {
    throw error.code === 'ENOENT' ? new ModelUnusable(`${path} is missing`) : error;
  });
  const found = createHash('sha256').update(bytes).digest('hex');
  if (found !== SHA256[name]) throw new ModelUnusable(`${path} is not the expected file: its sha256 is ${found}`);
  return bytes;
}

/** The tokens of a passage, behind those of a lead if there is one. */
export interface EncoderRow {
  ids: readonly number[];
  leadTokens: number;
}

/** The result of encoding a row. */
export interface EncodedRow {
  /** Mean of the passage's tokens, [SEP], and [CLS] without a lead; L2-normalized. */
  vector: Float32Array;
  /** Vectors of the passage's tokens, one after the other, each of `LOCAL_DIMENSIONS`. */
  states: Float32Array;
}

/** Turns token ids into vectors. `encode` blocks the thread: do not use it in a process that serves requests. */
export class Encoder {
  readonly #session: InferenceSession;
  readonly #Tensor: typeof Tensor;

  constructor(session: InferenceSession, TensorClass: typeof Tensor) {
    this.#session = session;
    this.#Tensor = TensorClass;
  }

  /** Encodes a passage by itself: the model quantizes what it computes by the range of all values, so another text would change the result. */
  async encode({ ids, leadTokens }: EncoderRow): Promise<EncodedRow> {
    const input = BigInt64Array.from([CLS, ...ids.map(BigInt), SEP]);
    const output = await this.#session.run({ input_ids: new this.#Tensor('int64', input, [1, input.length]) });
    const states = output.last_hidden_state?.data as Float32Array;
    const [first, end] = [1 + leadTokens, 1 + ids.length];
    return {
      vector: meanOfTokens(states, leadTokens > 0 ? first : 0, end + 1),
      states: states.subarray(first * LOCAL_DIMENSIONS, end * LOCAL_DIMENSIONS),
    };
  }
}

/** Computes the mean of the tokens from one to before another. */
function meanOfTokens(states: Float32Array, from: number, end: number): Float32Array {
  const sum = new Float32Array(LOCAL_DIMENSIONS);
  for (let at = from * LOCAL_DIMENSIONS; at < end * LOCAL_DIMENSIONS; at += LOCAL_DIMENSIONS) {
    for (let k = 0; k < LOCAL_DIMENSIONS; k++) sum[k] = (sum[k] as number) + (states[at + k] as number);
  }
  return normalize(sum);
}
