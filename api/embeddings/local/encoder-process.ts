/*
 * Entry point of the sentence encoder's process. Encoding blocks a thread for up to 0.1 s, and a fault in the native
 * library ends the process; neither affects the service. Started by encoder-child.ts; messages.ts is the protocol.
 */
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

try {
  const { words, encoder } = await loadModel(folder, Number(threads));
  const work = new EncoderWork(words, encoder, send);
  process.on('message', (message: ToEncoder) => {
    if (message.type === 'query') work.addQuery(message.id, message.text);
    else if (message.type === 'document') work.addDocument(message);
    else work.cancel(message.id);
  });
  // Loading leaves 25 MB of garbage that would otherwise not be collected.
  globalThis.gc?.();
  send({ type: 'ready' });
} catch (error) {
  if (!(error instanceof ModelUnusable)) throw error;
  process.send?.({ type: 'unusable', reason: error.message } satisfies FromEncoder, () => process.exit());
}
