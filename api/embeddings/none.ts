import { type Chunk, type Embedder, EmbedderUnavailable } from './embedder.ts';

/** Makes no vectors: every search is lexical only. */
export class NoEmbedder implements Embedder {
  readonly model = 'none';
  readonly dimensions = 0;
  readonly state = 'disabled';
  readonly reason = 'EMBEDDER is none';

  async embedQuery(): Promise<Float32Array> {
    throw new EmbedderUnavailable(this.reason);
  }

  async embedDocuments(): Promise<Chunk[][]> {
    throw new EmbedderUnavailable(this.reason);
  }

  async close(): Promise<void> {}
}
