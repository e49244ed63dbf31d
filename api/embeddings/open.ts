import type { Embedder } from './embedder.ts';
import { EndpointEmbedder } from './endpoint/endpoint.ts';
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
  log?: ((message: string) => void) | undefined;
  /** Called when the process of the local model is started again. */
  onRestart?: (() => void) | undefined;
}

/**
 * Opens the configured embedder without waiting for it to load; its `state` shows when it is ready.
 * @throws Error for a URL that is not http(s)
 */
export function openEmbedder({ embedder, url, key, model, dimensions, log, onRestart }: EmbedderSettings): Embedder {
  if (embedder === 'none') return new NoEmbedder();
  if (embedder === 'local') return new LocalEmbedder({ ...(log && { log }), ...(onRestart && { onRestart }) });
  return new EndpointEmbedder({
    url: url ?? 'https://api.openai.com/v1',
    model: model ?? 'text-embedding-3-small',
    ...(key && { key }),
    ...(dimensions && { dimensions }),
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
    const former = openPreviousModel(settings, name);
    if (former?.model === name) return [former];
    void former?.close();
    return [];
  });
}

function openPreviousModel(settings: EmbedderSettings, name: string): Embedder | undefined {
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
