/*
 * Entry point of the sentence encoder's process. Encoding blocks a thread for up to 0.1 s, and a fault in the native
 * library ends the process; neither affects the service. Started by encoder-child.ts; messages.ts is the protocol.
 */
import { Worker } from 'node:worker_threads';
import { threadBeside } from '../../program-beside.ts';
import { EncoderWork } from './encoder-work.ts';
import type { FromEncoder, ToEncoder } from './messages.ts';
import { loadModel, ModelUnusable } from './model.ts';

// The channel closes when the parent ends, for whatever reason.
process.once('disconnect', () => process.exit());
if (!process.connected) process.exit();

// Ctrl-C and service managers signal the whole process group; the parent still finishes its pending requests.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {});

const [folder = '', threads = '1'] = process.argv.slice(2);

// The callback swallows the error of a closing channel; 'disconnect' handles it.
const send = (message: FromEncoder) => process.send?.(message, undefined, undefined, () => {});

/** Ids of the documents that the thread has not replied to. */
const inThread = new Set<number>();
let thread: Worker | undefined;

/** Starts the thread with the first document: a service that only searches needs no second model. */
function startThread(): Worker {
  const module = threadBeside(import.meta.url, 'document-thread');
  const worker = new Worker(module, { execArgv: [], workerData: { folder, threads: Number(threads) } });
  worker.on('message', (message: FromEncoder) => {
    if ('id' in message) inThread.delete(message.id);
    send(message);
  });
  // Ends the process, which is started again.
  worker.on('error', (error) => {
    throw error;
  });
  return worker;
}

function sendToThread(message: ToEncoder & { id: number }): void {
  thread ??= startThread();
  inThread.add(message.id);
  thread.postMessage(message);
}

try {
  const { words, encoder } = await loadModel(folder, Number(threads));
  const work = new EncoderWork(words, encoder, send);
  process.on('message', (message: ToEncoder) => {
    if (message.type === 'query') work.addQuery(message.id, message.text);
    else if (message.type === 'cancel') inThread.has(message.id) ? sendToThread(message) : work.cancel(message.id);
    else if (message.isUrgent) work.addDocument(message);
    else sendToThread(message);
  });
  // Loading leaves 25 MB of garbage that would otherwise not be collected.
  globalThis.gc?.();
  send({ type: 'ready' });
} catch (error) {
  if (!(error instanceof ModelUnusable)) throw error;
  process.send?.({ type: 'unusable', reason: error.message } satisfies FromEncoder, () => process.exit());
}
