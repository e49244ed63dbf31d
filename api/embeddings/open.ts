import type { Embedder } from './embedder.ts';
import { EndpointEmbedder } from './endpoint/endpoint.ts';
import { LocalEmbedder } from './local/local.ts';
import { NoEmbedder } from './none.ts';

/** As in the variables EMBEDDER, EMBEDDINGS_URL, EMBEDDINGS_API_KEY, EMBEDDINGS_MODEL and EMBEDDINGS_DIMENSIONS. */
export interface EmbedderSettings {
  embedder: 'local' | 'openai' | 'none';
  /** Default: OpenAI's own. */
  url?: string | undefined;
  key?: string | undefined;
  /** Default: text-embedding-3-small. */
  model?: string | undefined;
  /** For models that offer several; default: what the endpoint sends. */
  dimensions?: number | undefined;
  log?: ((message: string) => void) | undefined;
}

/** Opens what the settings name, at once: nothing is waited for, `state` tells. Throws on a URL that is not http(s). */
export function openEmbedder({ embedder, url, key, model, dimensions, log }: EmbedderSettings): Embedder {
  if (embedder === 'none') return new NoEmbedder();
  if (embedder === 'local') return new LocalEmbedder({ ...(log && { log }) });
  return new EndpointEmbedder({
    url: url ?? 'https://api.openai.com/v1',
    model: model ?? 'text-embedding-3-small',
    ...(key && { key }),
    ...(dimensions && { dimensions }),
    ...(log && { log }),
  });
}

/**
 * Opens the models that made vectors before the present one, where the settings still reach them: until every memory is embedded
 * anew, a question is asked by both.
 * @param models names of vectors, as an embedder's `model`
 */
export function openFormers(settings: EmbedderSettings, models: readonly string[]): Embedder[] {
  return models.flatMap((name) => {
    const former = openFormer(settings, name);
    if (former?.model === name) return [former];
    void former?.close();
    return [];
  });
}

function openFormer(settings: EmbedderSettings, name: string): Embedder | undefined {
  if (name.startsWith('local:')) return openEmbedder({ ...settings, embedder: 'local' });
  const [, model, dimensions] = /^openai:(.+?)(?::(\d+))?@\d+$/.exec(name) ?? [];
  if (!model || !(settings.url || settings.key)) return undefined;
  return openEmbedder({
    ...settings,
    embedder: 'openai',
    model,
    dimensions: dimensions ? Number(dimensions) : undefined,
  });
}
