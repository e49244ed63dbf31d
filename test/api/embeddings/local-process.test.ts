import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { EmbedderUnavailable, EmbeddingFailed } from '../../../api/embeddings/embedder.ts';
import { EncoderWork } from '../../../api/embeddings/local/encoder-work.ts';
import { LocalEmbedder, type LocalOptions } from '../../../api/embeddings/local/local.ts';
import type { FromEncoder } from '../../../api/embeddings/local/messages.ts';
import type { Encoder } from '../../../api/embeddings/local/model.ts';
import type { WordCutter } from '../../../api/embeddings/local/word-tokenizer.ts';
import { isAlive, ready, textOf, until } from './texts.ts';

const MODEL = join(import.meta.dirname, '../../../api/embeddings/local/model');
const TSX = createRequire(import.meta.url).resolve('tsx');

const opened: LocalEmbedder[] = [];
const open = (options?: LocalOptions) => {
  const embedder = new LocalEmbedder(options);
  opened.push(embedder);
  return embedder;
};
afterEach(() => Promise.all(opened.splice(0).map((embedder) => embedder.close())));

it('local encoder starts at once: queries are rejected while it loads, documents wait', async () => {
  const embedder = open();
  expect(embedder.state).toBe('loading');
  await expect(embedder.embedQuery('too early')).rejects.toThrow(EmbedderUnavailable);
  const [chunks] = await embedder.embedDocuments(['patient']);
  expect([embedder.state, embedder.reason, chunks?.length]).toEqual(['ready', undefined, 1]);
});

it('local encoder restarts after its process is killed: pending work is rejected, waiting work is done', async () => {
  const said: string[] = [];
  const embedder = open({ log: (message) => said.push(message) });
  await ready(embedder);
  const documents = embedder.embedDocuments(Array.from({ length: 40 }, (_, i) => textOf(190, i)));
  const filler = embedder.embedDocuments(Array.from({ length: 40 }, (_, i) => textOf(190, i)));
  const waiting = embedder.embedDocuments(['later']);
  const query = embedder.embedQuery(textOf(150));
  const killed = embedder.pid as number;
  process.kill(killed, 'SIGKILL');
  const ends = await Promise.allSettled([documents, filler, query]);
  for (const end of ends) expect(end).toMatchObject({ status: 'rejected', reason: expect.any(EmbedderUnavailable) });
  expect(embedder.state).toBe('degraded');
  expect(embedder.reason).toContain('SIGKILL');
  await expect(embedder.embedQuery('not now')).rejects.toThrow(EmbedderUnavailable);
  expect(await waiting).toHaveLength(1);
  expect(embedder.pid).not.toBe(killed);
  expect((await embedder.embedQuery('and now')).vector).toHaveLength(384);
  expect(said).toHaveLength(1);
});

it('local encoder stops on close, even while it works, and rejects later calls', async () => {
  const embedder = open();
  await ready(embedder);
  const pid = embedder.pid as number;
  const documents = embedder.embedDocuments(Array.from({ length: 40 }, (_, i) => textOf(190, i)));
  documents.catch(() => {});
  await embedder.close();
  expect(isAlive(pid)).toBe(false);
  await expect(documents).rejects.toThrow(EmbedderUnavailable);
  await expect(embedder.embedDocuments(['x'])).rejects.toThrow('closed');
  await embedder.close();
});

it('local encoder closes while it loads', async () => {
  const embedder = open();
  const pid = embedder.pid as number;
  await embedder.close();
  expect([isAlive(pid), embedder.state]).toEqual([false, 'disabled']);
});

/** Starts parent.ts and reads the pid of its encoder. */
async function startParent(...args: string[]) {
  const parent = spawn(process.execPath, ['--import', TSX, join(import.meta.dirname, 'parent.ts'), ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = (await once(parent.stdout, 'data')) as [Buffer];
  return { parent, encoder: Number(line.toString()) };
}

it('encoder process ends with its parent, even when the parent is killed while it works', async () => {
  const { parent, encoder } = await startParent('stay');
  expect(isAlive(encoder)).toBe(true);
  parent.kill('SIGKILL');
  await until(() => !isAlive(encoder), 5_000);
});

it('encoder process does not keep its parent running', async () => {
  const { parent, encoder } = await startParent();
  const [code] = parent.exitCode === null ? await once(parent, 'exit') : [parent.exitCode];
  expect(code).toBe(0);
  await until(() => !isAlive(encoder), 5_000);
});

it.each([
  ['model.onnx', 11_000_000],
  ['tokenizer.json', 200_000],
])('local encoder rejects a tampered %s', async (name, at) => {
  const folder = await mkdtemp(join(tmpdir(), 'model-'));
  await cp(MODEL, folder, { recursive: true });
  const bytes = await readFile(join(folder, name));
  bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at);
  await writeFile(join(folder, name), bytes);
  const embedder = open({ modelFolder: folder });
  await expect(embedder.embedDocuments(['x'])).rejects.toThrow(/is not the expected file/);
  expect([embedder.state, embedder.reason]).toEqual(['disabled', expect.stringContaining(name)]);
  await rm(folder, { recursive: true });
});

it('local encoder is off, without retries, where the library has no binary', async () => {
  const said: string[] = [];
  const elsewhere = 'data:text/javascript,Object.defineProperty(process,"arch",{value:"riscv64"})';
  const embedder = open({ execArgv: ['--import', elsewhere], log: (message) => said.push(message) });
  await until(() => embedder.state === 'disabled');
  expect(embedder.reason).toMatch(/onnxruntime-node has no library that runs on this machine \(\w+-riscv64\)/);
  await expect(embedder.embedQuery('x')).rejects.toThrow(EmbedderUnavailable);
  await expect(embedder.embedDocuments(['x'])).rejects.toThrow(EmbedderUnavailable);
  expect(said).toHaveLength(1);
});

/** Returns the priorities of the threads of a process, as Linux shows them: 0 is the usual one, higher numbers are lower. */
async function nicenessOf(pid: number): Promise<number[]> {
  const folder = `/proc/${pid}/task`;
  const stats = await Promise.all(
    (await readdir(folder)).map((thread) => readFile(join(folder, thread, 'stat'), 'utf8')),
  );
  return stats.map((stat) => Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[16]));
}

it('local encoder encodes documents in a thread of lower priority, and queries and urgent documents beside it', async () => {
  const embedder = open();
  await ready(embedder);
  const text = textOf(190);
  await embedder.embedQuery('where is the office?');
  const [urgent] = await embedder.embedDocuments([text], { urgent: true });
  expect(new Set(await nicenessOf(embedder.pid as number))).toEqual(new Set([0]));
  const [document] = await embedder.embedDocuments([text]);
  expect((await nicenessOf(embedder.pid as number)).filter((nice) => nice === 10).length).toBeGreaterThan(0);
  expect(document).toEqual(urgent);
  // The thread answers cancelled documents, and encodes the next ones.
  const stop = new AbortController();
  const many = embedder.embedDocuments(
    Array.from({ length: 30 }, (_, i) => textOf(190, i)),
    { signal: stop.signal },
  );
  stop.abort(new Error('given up'));
  await expect(many).rejects.toThrow('given up');
  expect(await embedder.embedDocuments([text])).toEqual([urgent]);
});

it('encoder process restarts with growing pauses when it keeps ending', async () => {
  const pauses: number[] = [];
  const log = (message: string) => void pauses.push(Number(/in (\d+) ms/.exec(message)?.[1]));
  const embedder = open({ execArgv: ['--import', 'data:text/javascript,process.exit(7)'], log });
  await until(() => pauses.length === 3);
  expect(pauses).toEqual([250, 500, 1_000]);
  expect(embedder.state).toBe('degraded');
});

it('encoder process that hangs is killed, and the texts in flight may be the reason', async () => {
  const embedder = open({ silenceMs: 500 });
  await ready(embedder);
  const pid = embedder.pid as number;
  process.kill(pid, 'SIGSTOP');
  await expect(embedder.embedDocuments(['one'])).rejects.toThrow(EmbeddingFailed);
  expect(isAlive(pid)).toBe(false);
});

it('encoder work reports each passage, long before a text is done', async () => {
  const sent: FromEncoder['type'][] = [];
  const { promise: done, resolve } = deferred();
  const word = { ids: Array.from({ length: 100 }, () => 1), start: 0, end: 1, isContent: false };
  const words = { cut: () => Array.from({ length: 40 }, () => word) } as unknown as WordCutter;
  const encoder = {
    encode: async () => ({ vector: new Float32Array(384), states: new Float32Array() }),
  } as unknown as Encoder;
  const work = new EncoderWork(words, encoder, ({ type }) => {
    sent.push(type);
    if (type === 'done') resolve();
  });
  work.addDocument({ type: 'document', id: 1, text: 'x', isUrgent: false, isContinued: false, lead: '' });
  await done;
  expect(sent.slice(0, -1)).toEqual(Array.from({ length: 39 }, () => 'progress'));
});

it('encoder work encodes a short query between the passages of a long one', async () => {
  const finished: number[] = [];
  const { promise: done, resolve } = deferred();
  const word = (tokens: number) => ({
    ids: Array.from({ length: tokens }, () => 1),
    start: 0,
    end: 1,
    isContent: false,
  });
  const words = {
    cut: (text: string) => (text === 'short' ? [word(5)] : Array.from({ length: 3 }, () => word(100))),
  } as unknown as WordCutter;
  const encoder = {
    encode: async () => ({ vector: new Float32Array(384), states: new Float32Array() }),
  } as unknown as Encoder;
  let passages = 0;
  const work = new EncoderWork(words, encoder, (message) => {
    if (message.type === 'progress' && ++passages === 1) work.addQuery(2, 'short');
    if (message.type === 'query done') finished.push(message.id);
    if (finished.length === 2) resolve();
  });
  work.addQuery(1, 'long');
  await done;
  expect([finished, passages]).toEqual([[2, 1], 2]);
});

function deferred() {
  let resolve = () => {};
  const promise = new Promise<void>((fulfil) => {
    resolve = fulfil;
  });
  return { promise, resolve: () => resolve() };
}

it('local encoder stops the work on texts whose signal aborts, and does other texts', async () => {
  const embedder = open();
  await ready(embedder);
  const stopping = new AbortController();
  const texts = Array.from({ length: 50 }, (_, i) => textOf(190, i));
  const stopped = embedder.embedDocuments(texts, { signal: stopping.signal });
  stopping.abort();
  await expect(stopped).rejects.toThrow(/abort/i);
  expect(await embedder.embedDocuments(['other'])).toHaveLength(1);
});
