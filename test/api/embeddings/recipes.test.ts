import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, describe, expect, it } from 'vitest';
import { readConfig } from '../../../api/config.ts';
import type { Embedder } from '../../../api/embeddings/embedder.ts';
import { openEmbedder, openPreviousModels } from '../../../api/embeddings/open.ts';

const page = readFileSync(join(import.meta.dirname, '../../../docs/embeddings.md'), 'utf8');

/** The settings of each recipe of the page, by the model's name. */
const RECIPES = new Map(
  [...page.matchAll(/```sh\n(EMBEDDER=openai\n[^`]+)```/g)].map(([, block = '']) => {
    const lines = block.trim().split('\n');
    const settings = lines.map((line) => {
      const [, name = '', quoted = ''] = /^(\w+)=(.*)$/.exec(line) ?? [];
      return [name, quoted.replace(/^(["'])(.*)\1$/, '$2')] as const;
    });
    const variables: Record<string, string> = Object.fromEntries(settings);
    return [variables.EMBEDDINGS_MODEL ?? '', variables] as const;
  }),
);

interface Body {
  model: string;
  input: string[];
  dimensions?: number;
  [parameter: string]: unknown;
}

/** Parameters and length of the vectors of an imitated endpoint. */
interface Endpoint {
  /** Parameters beside `model` and `input` that the endpoint takes; it rejects others. */
  takes: readonly string[];
  /** Length of its vectors without a parameter. */
  length: number;
}

const closers: (() => unknown)[] = [];
afterEach(() => Promise.all(closers.splice(0).map((close) => close())));

/** Starts a server with OpenAI's protocol that rejects parameters that it does not know. */
async function start({ takes, length }: Endpoint) {
  const bodies: Body[] = [];
  const server = createServer(async (request, response) => {
    const body = JSON.parse(await text(request)) as Body;
    bodies.push(body);
    const isKnown = Object.keys(body).every((name) => ['model', 'input', ...takes].includes(name));
    if (request.url !== '/v1/embeddings' || !isKnown) return response.writeHead(400).end('{}');
    const wanted = Number(body.dimensions ?? body.output_dimension ?? length);
    const data = body.input.map((one, index) => ({ index, embedding: vectorFor(one, wanted) }));
    return response.setHeader('content-type', 'application/json').end(JSON.stringify({ data }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closers.push(
    () => server.closeAllConnections(),
    () => server.close(),
  );
  return { bodies, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1` };
}

const vectorFor = (input: string, length: number) =>
  Array.from({ length }, (_, k) => Math.sin(input.length * 7 + k * k));

const settingsOf = (variables: Record<string, string>) => {
  const config = readConfig(variables);
  return { embedder: config.embedder, ...config.embeddings };
};

/** Embeds a query and a passage by a recipe. Returns the model, the request bodies and the vectors. */
async function use(recipe: string, endpoint: Endpoint) {
  const { bodies, url } = await start(endpoint);
  const variables = RECIPES.get(recipe) as Record<string, string>;
  const embedder = openEmbedder(settingsOf({ ...variables, EMBEDDINGS_URL: url }));
  closers.push(() => embedder.close());
  const { vector } = await embedder.embedQuery('who');
  const [[chunk] = []] = await embedder.embedDocuments(['Ada']);
  return { embedder, bodies, vectors: [vector, chunk?.vector as Float32Array] };
}

const lengthOf = (vector: Float32Array) => Math.hypot(...vector);

describe('recipes of docs/embeddings.md', () => {
  it('are five', () => {
    expect([...RECIPES.keys()]).toEqual([
      'bge-m3',
      'intfloat/multilingual-e5-small',
      'text-embedding-3-small',
      'voyage-3.5',
      'embed-multilingual-v3.0',
    ]);
  });

  it('send a model that takes neither prefix nor parameters the texts alone', async () => {
    const { bodies, embedder } = await use('bge-m3', { takes: [], length: 16 });
    expect(bodies).toEqual([
      { model: 'bge-m3', input: ['who'] },
      { model: 'bge-m3', input: ['Ada'] },
    ]);
    expect(embedder.model).toBe('openai:bge-m3@1');
  });

  it('put the prefixes before queries and passages', async () => {
    const { bodies } = await use('intfloat/multilingual-e5-small', { takes: [], length: 16 });
    expect(bodies.map(({ input }) => input)).toEqual([['query: who'], ['passage: Ada']]);
  });

  it('ask for shorter vectors', async () => {
    const { bodies, vectors } = await use('text-embedding-3-small', { takes: ['dimensions'], length: 1_536 });
    expect(bodies.map(({ dimensions }) => dimensions)).toEqual([512, 512]);
    expect(vectors.map((vector) => vector.length)).toEqual([512, 512]);
  });

  it('send the parameters for the kind of a text, under names of the endpoint', async () => {
    const endpoint = { takes: ['input_type', 'output_dimension'], length: 1_024 };
    const { bodies, vectors } = await use('voyage-3.5', endpoint);
    expect(bodies.map((body) => [body.input_type, body.output_dimension])).toEqual([
      ['query', 512],
      ['document', 512],
    ]);
    expect(vectors.map((vector) => vector.length)).toEqual([512, 512]);
    const cohere = await use('embed-multilingual-v3.0', { takes: ['input_type'], length: 1_024 });
    expect(cohere.bodies.map(({ input_type }) => input_type)).toEqual(['search_query', 'search_document']);
  });
});

describe('EMBEDDINGS_DIMENSIONS', () => {
  it('cuts longer vectors and scales them to length 1, where the endpoint ignores the parameter', async () => {
    const { url } = await start({ takes: [], length: 24 });
    const whole = openEmbedder(settingsOf({ EMBEDDER: 'openai', EMBEDDINGS_MODEL: 'm', EMBEDDINGS_URL: url }));
    closers.push(() => whole.close());
    const shortened = { EMBEDDER: 'openai', EMBEDDINGS_MODEL: 'm', EMBEDDINGS_URL: url, EMBEDDINGS_DIMENSIONS: '8' };
    const cut = openEmbedder(settingsOf(shortened));
    closers.push(() => cut.close());
    const [{ vector: long }, { vector }] = [await whole.embedQuery('who'), await cut.embedQuery('who')];
    expect(vector).toHaveLength(8);
    expect(lengthOf(vector)).toBeCloseTo(1, 5);
    const scale = lengthOf(long.subarray(0, 8));
    for (const [k, number] of vector.entries()) expect(number).toBeCloseTo((long[k] as number) / scale, 5);
    expect([cut.model, cut.dimensions]).toEqual(['openai:m:8@1', 8]);
  });

  it('is left out after the endpoint rejected it once, and a later rejection is about the text', async () => {
    const { bodies, url } = await start({ takes: [], length: 24 });
    const settings = { EMBEDDER: 'openai', EMBEDDINGS_MODEL: 'm', EMBEDDINGS_URL: url, EMBEDDINGS_DIMENSIONS: '8' };
    const embedder = openEmbedder(settingsOf(settings));
    closers.push(() => embedder.close());
    for (const query of ['one', 'two']) expect((await embedder.embedQuery(query)).vector).toHaveLength(8);
    expect(bodies.map(({ dimensions }) => dimensions)).toEqual([8, undefined, undefined]);
    expect(embedder.state).toBe('ready');
  });

  it('reports an endpoint whose vectors are shorter', async () => {
    const { url } = await start({ takes: ['dimensions'], length: 24 });
    const parameters = '{"dimensions": 4}';
    const settings = { EMBEDDER: 'openai', EMBEDDINGS_URL: url, EMBEDDINGS_QUERY_PARAMETERS: parameters };
    const embedder = openEmbedder({ ...settingsOf(settings), dimensions: 8 });
    closers.push(() => embedder.close());
    // The setting wins over a parameter of the same name.
    expect((await embedder.embedQuery('who')).vector).toHaveLength(8);
    const four = openEmbedder(settingsOf({ ...settings, EMBEDDINGS_PASSAGE_PARAMETERS: '{"dimensions": 6}' }));
    closers.push(() => four.close());
    await four.embedQuery('who');
    await expect(four.embedDocuments(['Ada'], { once: true })).rejects.toThrow('6 numbers instead of 4');
  });
});

describe('names of vectors', () => {
  const name = (variables: Record<string, string>) => nameOf(openEmbedder(settingsOf({ ...e5, ...variables })));
  const nameOf = (embedder: Embedder) => {
    closers.push(() => embedder.close());
    return embedder.model;
  };
  const e5 = { EMBEDDER: 'openai', EMBEDDINGS_MODEL: 'e5', EMBEDDINGS_URL: 'http://127.0.0.1:1/v1' };

  it('change with what is sent with passages, and not with what is sent with queries', () => {
    const plain = name({});
    expect(plain).toBe('openai:e5@1');
    expect(name({ EMBEDDINGS_QUERY_PREFIX: 'query: ', EMBEDDINGS_QUERY_PARAMETERS: '{"a": 1}' })).toBe(plain);
    const others = [
      name({ EMBEDDINGS_PASSAGE_PREFIX: 'passage: ' }),
      name({ EMBEDDINGS_PASSAGE_PREFIX: 'passage:' }),
      name({ EMBEDDINGS_PASSAGE_PARAMETERS: '{"a": 1}' }),
      name({ EMBEDDINGS_DIMENSIONS: '8' }),
    ];
    expect(new Set([plain, ...others]).size).toBe(5);
  });

  it('let previous models be opened that were sent passages as now or plainly', () => {
    const prefixed = { ...e5, EMBEDDINGS_PASSAGE_PREFIX: 'passage: ' };
    const former = name({ EMBEDDINGS_PASSAGE_PREFIX: 'passage: ', EMBEDDINGS_MODEL: 'older' });
    const names = [former, 'openai:older:8@1', 'openai:other@1+00000000'];
    const opened = openPreviousModels(settingsOf({ ...prefixed, EMBEDDINGS_API_KEY: 'k' }), names);
    expect(opened.map(nameOf)).toEqual([former, 'openai:older:8@1']);
  });
});

describe('EMBEDDINGS_QUERY_PARAMETERS', () => {
  it.each(['{', '[1]', '"text"', 'null'])('rejects %s', (value) => {
    expect(() => readConfig({ EMBEDDINGS_QUERY_PARAMETERS: value })).toThrow(
      'EMBEDDINGS_QUERY_PARAMETERS: must be a JSON object',
    );
  });
});
