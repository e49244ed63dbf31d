import { type Chunk, type EmbeddedQuery, type Embedder, EmbedderUnavailable } from './embedder.ts';

/** Makes no vectors: every search is lexical only. */
export class NoEmbedder implements Embedder {
  readonly model = 'none';
  readonly dimensions = 0;
  readonly hasTokenVectors = false;
  readonly reads = undefined;
  readonly state = 'disabled';
  readonly reason = 'EMBEDDER is none';

  async embedQuery(): Promise<EmbeddedQuery> {
    throw new EmbedderUnavailable(this.reason);
  }

  async embedDocuments(): Promise<Chunk[][]> {
    throw new EmbedderUnavailable(this.reason);
  }

  async close(): Promise<void> {}
}
