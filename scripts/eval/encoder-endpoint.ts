import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { LocalEmbedder } from '../../api/embeddings/local/local.ts';
import { normalize } from '../../api/embeddings/normalize.ts';

/**
 * Ways to change all similarities without changing their order, as other models have other ones: `scale` halves them, `shift` moves them
 * to 0.5 and above, `narrow` into 0.85 to 1.
 */
export const DISTORTIONS = ['none', 'scale', 'shift', 'narrow'] as const;
export type Distortion = (typeof DISTORTIONS)[number];

/** The built-in encoder behind OpenAI's embeddings protocol. */
export interface EncoderEndpoint {
  url: string;
  /** Settings of a service that takes its vectors from here. */
  settings: Record<string, string>;
  close(): Promise<void>;
}

/** Starts an endpoint on a free port of this machine. A request with `"input_type": "query"` is about queries. */
export async function startEncoderEndpoint(distortion: Distortion = 'none'): Promise<EncoderEndpoint> {
  const encoder = new LocalEmbedder({ queryMs: 60_000 });
  const encode = async (input: string, isQuery: boolean) =>
    distort(await vectorOf(encoder, input), distortion, isQuery);
  const server = createServer(async (request, response) => {
    try {
      const body = JSON.parse(await text(request)) as { input: string | string[]; input_type?: string; model: string };
      const inputs = typeof body.input === 'string' ? [body.input] : body.input;
      const vectors = await Promise.all(inputs.map((input) => encode(input, body.input_type === 'query')));
      const data = vectors.map((vector, index) => ({ object: 'embedding', index, embedding: Array.from(vector) }));
      const usage = { prompt_tokens: 0, total_tokens: 0 };
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ object: 'list', data, model: body.model, usage }));
    } catch (error) {
      response.writeHead(500).end(String(error));
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
  return {
    url,
    settings: {
      EMBEDDER: 'openai',
      EMBEDDINGS_URL: url,
      EMBEDDINGS_MODEL: `distorted-${distortion}`,
      EMBEDDINGS_QUERY_PARAMETERS: '{"input_type":"query"}',
      EMBEDDINGS_PASSAGE_PARAMETERS: '{"input_type":"document"}',
    },
    close: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
      await encoder.close();
    },
  };
}

/** Encodes a text; one of several passages gets their mean. */
async function vectorOf(encoder: LocalEmbedder, input: string): Promise<Float32Array> {
  const [chunks = []] = await encoder.embedDocuments([input]);
  const sum = new Float32Array(encoder.dimensions);
  for (const { vector } of chunks) for (const [k, number] of vector.entries()) sum[k] = (sum[k] as number) + number;
  return normalize(sum);
}

/** Adds components that change every similarity in the same way. */
export function distort(vector: Float32Array, distortion: Distortion, isQuery: boolean): Float32Array {
  if (distortion === 'none') return vector;
  const share = { scale: 0.5, shift: 0.5, narrow: 0.15 }[distortion];
  const [own, other] = [Math.sqrt(share), Math.sqrt(1 - share)];
  // Queries and passages share the component, or each has its own.
  const added = distortion === 'scale' ? (isQuery ? [other, 0] : [0, other]) : [other, 0];
  return Float32Array.from([...vector.map((number) => number * own), ...added]);
}
