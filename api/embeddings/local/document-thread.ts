/*
 * Entry point of the thread that encodes documents in the background, with a model of its own: no query waits for them. Started by
 * encoder-process.ts; messages.ts is the protocol.
 */
import { setPriority } from 'node:os';
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { EncoderWork } from './encoder-work.ts';
import type { ToEncoder } from './messages.ts';
import { loadModel } from './model.ts';

/** Lowers the priority of the thread: with little processor time left, queries and calls go first. */
const NICE = 10;

const port = parentPort as MessagePort;
const { folder, threads } = workerData as { folder: string; threads: number };

// Linux sets the priority of the calling thread alone, other systems that of the process.
if (process.platform === 'linux') setPriority(NICE);

const { words, encoder } = await loadModel(folder, threads);
const work = new EncoderWork(words, encoder, (message) => port.postMessage(message));
port.on('message', (message: Exclude<ToEncoder, { type: 'query' }>) => {
  if (message.type === 'document') work.addDocument(message);
  else work.cancel(message.id);
});
globalThis.gc?.();
