/* A service in small: opens the encoder, says its pid, and then does what its argument names. */
import { LocalEmbedder } from '../../../api/embeddings/local/local.ts';

const embedder = new LocalEmbedder();
await embedder.embedDocuments(['one']);
console.log(embedder.pid);
if (process.argv[2] === 'stay') {
  setInterval(() => {}, 1_000);
  embedder.embedDocuments(
    Array.from({ length: 500 }, () => 'So that the encoder is at work when its parent ends. '.repeat(20)),
  );
}
