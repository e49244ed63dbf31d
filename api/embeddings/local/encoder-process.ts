/*
 * The process that the sentence encoder runs in: encoding holds a thread for up to a tenth of a second, and a fault in a
 * native library ends its process. Here neither reaches the service. local.ts starts it; messages.ts is their language.
 */
import { EncoderWork } from './encoder-work.ts';
import type { FromEncoder, ToEncoder } from './messages.ts';
import { loadModel, ModelRefused } from './model.ts';

// Its life is its parent's: when that ends, in whatever way, the channel closes.
process.once('disconnect', () => process.exit());
if (!process.connected) process.exit();

// Ctrl-C and service managers signal the whole group; the parent then still answers what is under way.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {});

const [folder = '', threads = '1'] = process.argv.slice(2);

// The callback takes the error of a channel that closes at this moment; 'disconnect' does the rest.
const send = (message: FromEncoder) => process.send?.(message, undefined, undefined, () => {});

try {
  const { words, encoder } = await loadModel(folder, Number(threads));
  const work = new EncoderWork(words, encoder, send);
  process.on('message', (message: ToEncoder) => {
    if (message.type === 'query') work.addQuery(message.id, message.text);
    else if (message.type === 'document') work.addDocument(message.id, message.text);
    else work.cancel(message.id);
  });
  // Loading leaves 25 MB that nothing else would make it collect.
  globalThis.gc?.();
  send({ type: 'ready' });
} catch (error) {
  if (!(error instanceof ModelRefused)) throw error;
  process.send?.({ type: 'refused', reason: error.message } satisfies FromEncoder, () => process.exit());
}
