import type { Embedder } from './embedder.ts';
import { EndpointEmbedder, type InputOptions } from './endpoint/endpoint.ts';
import { LocalEmbedder } from './local/local.ts';
import { NoEmbedder } from './none.ts';

/** Settings of the embedder, from `EMBEDDER` and the `EMBEDDINGS_…` variables. */
interface EmbedderSettings {
  embedder: 'local' | 'openai' | 'none';
  /** Default: OpenAI's API. */
  url?: string | undefined;
  key?: string | undefined;
  /** Default: text-embedding-3-small. */
  model?: string | undefined;
  /** Vector length, for models that offer several. Default: whatever the endpoint returns. */
  dimensions?: number | undefined;
  /** Queries and passages as the model expects them. */
  queries?: InputOptions | undefined;
  passages?: InputOptions | undefined;
  log?: ((message: string) => void) | undefined;
  /** Called when the process of the local model is started again. */
  onRestart?: (() => void) | undefined;
}

/**
 * Opens the configured embedder without waiting for it to load; its `state` shows when it is ready.
 * @throws Error for a URL that is not http(s)
 */
export function openEmbedder(settings: EmbedderSettings): Embedder {
  const { embedder, url, key, model, dimensions, queries, passages, log, onRestart } = settings;
  if (embedder === 'none') return new NoEmbedder();
  if (embedder === 'local') return new LocalEmbedder({ ...(log && { log }), ...(onRestart && { onRestart }) });
  return new EndpointEmbedder({
    url: url ?? 'https://api.openai.com/v1',
    model: model ?? 'text-embedding-3-small',
    ...(key && { key }),
    dimensions,
    queries,
    passages,
    ...(log && { log }),
  });
}

/**
 * Opens the models that made vectors before the current one, as far as the settings still reach them. Until every memory
 * is embedded again, a query is embedded by the current and by the previous models.
 * @param models values of `Embedder.model`
 */
export function openPreviousModels(settings: EmbedderSettings, models: readonly string[]): Embedder[] {
  return models.flatMap((name) => {
    // The way in which passages were sent is part of the name: as now, or plainly.
    const plain = { ...settings, queries: undefined, passages: undefined };
    for (const candidate of [settings, plain]) {
      const former = openPreviousModel(candidate, name);
      if (former?.model === name) return [former];
      void former?.close();
    }
    return [];
  });
}

function openPreviousModel(settings: EmbedderSettings, name: string): Embedder | undefined {
  if (name.startsWith('local:')) return openEmbedder({ ...settings, embedder: 'local' });
  const [, model, dimensions] = /^openai:(.+?)(?::(\d+))?@\d+(?:\+[0-9a-f]+)?$/.exec(name) ?? [];
  if (!model || !(settings.url || settings.key)) return undefined;
  return openEmbedder({
    ...settings,
    embedder: 'openai',
    model,
    dimensions: dimensions ? Number(dimensions) : undefined,
  });
}
