import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readConfig } from '../../../api/config.ts';
import { BACKGROUND_VECTORS, type Background, backgroundOf, dot } from '../../../api/embeddings/background.ts';
import { LOCAL_MODEL } from '../../../api/embeddings/local/model-name.ts';
import { normalize } from '../../../api/embeddings/normalize.ts';
import { similarityScale } from '../../../api/search/similarity-scale.ts';
import type { Sql } from '../../../db/client/sql.ts';
import { ask, tenantOf } from '../../../scripts/eval/ask.ts';
import { DISTORTIONS, type Distortion, distort, startEncoderEndpoint } from '../../../scripts/eval/encoder-endpoint.ts';
import { readSets, store } from '../../../scripts/eval/load.ts';
import { means, randomNumbers, scoreAll } from '../../../scripts/eval/score.ts';
import { callerOf } from '../../../scripts/eval/service.ts';
import { Client } from '../../support/client.ts';
import { untilEmbedded } from '../../support/retrieval.ts';
import { startTestService } from '../../support/service.ts';

const DIMENSIONS = 32;

/** Vectors around a common direction, as those of a model's texts are. */
function vectorsOf(seed: number, count: number): Float32Array[] {
  const random = randomNumbers(seed);
  return Array.from({ length: count }, () =>
    normalize(Float32Array.from({ length: DIMENSIONS }, (_, k) => (k === 0 ? 0.5 : 0) + random() - 0.5)),
  );
}

/** A connection whose only rows are these vectors. */
const sqlWith = (vectors: readonly Float32Array[]) =>
  ({
    query: async () => ({ rows: vectors.map((vector) => ({ vector: Buffer.from(vector.slice().buffer) })) }),
  }) as unknown as Sql;

/** Returns the similarities of a query on the scale of the built-in encoder. A user of its own has nothing in the cache. */
async function scaled(
  query: Float32Array,
  passages: readonly Float32Array[],
  options: { model?: string; stored?: readonly Float32Array[]; background?: Background | undefined } = {},
): Promise<number[]> {
  const { model = 'openai:m@1', stored = passages, background } = options;
  const toScale = await similarityScale(sqlWith(stored), randomUUID(), { model, vector: query, background });
  return passages.map((passage) => toScale(dot(query, passage)));
}

describe('scale of similarities', () => {
  it('is the same for every distortion that keeps the order', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 1e9 }), fc.constantFrom(...DISTORTIONS), async (seed, distortion) => {
        const [query, ...passages] = vectorsOf(seed, BACKGROUND_VECTORS.most + 1) as [Float32Array, ...Float32Array[]];
        const plain = await scaled(query, passages);
        const changed = await scaled(
          distort(query, distortion, true),
          passages.map((passage) => distort(passage, distortion, false)),
        );
        for (const [index, similarity] of changed.entries()) expect(similarity).toBeCloseTo(plain[index] as number, 2);
      }),
      { numRuns: 60 },
    );
  });

  it('keeps the order of similarities, and the whole of those of the built-in encoder', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 1e9 }), async (seed) => {
        const [query, ...passages] = vectorsOf(seed, 40) as [Float32Array, ...Float32Array[]];
        const similarities = passages.map((passage) => dot(query, passage));
        const order = (values: readonly number[]) =>
          [...values.keys()].sort((a, b) => (values[a] ?? 0) - (values[b] ?? 0));
        expect(order(await scaled(query, passages))).toEqual(order(similarities));
        expect(await scaled(query, passages, { model: LOCAL_MODEL })).toEqual(similarities);
      }),
      { numRuns: 60 },
    );
  });

  it('takes the background of the model for a tenant with few memories, and none where neither is known', async () => {
    const [query, ...passages] = vectorsOf(7, 65) as [Float32Array, ...Float32Array[]];
    const few = passages.slice(0, BACKGROUND_VECTORS.least - 1);
    const background = backgroundOf(passages);
    expect(await scaled(query, few, { stored: few })).toEqual(few.map((passage) => dot(query, passage)));
    const ofModel = await scaled(query, few, { stored: few, background });
    expect(ofModel).toEqual(await scaled(query, few, { stored: passages }));
  });

  it('is left alone by a model that gives every text one vector, and by duplicates among the memories', () => {
    const [one, ...others] = vectorsOf(3, 60) as [Float32Array, ...Float32Array[]];
    expect(backgroundOf(Array.from({ length: 60 }, () => one))).toBeUndefined();
    const before = backgroundOf(others) as Background;
    const after = backgroundOf([
      ...others,
      ...Array.from({ length: 5 }, () => others[0] as Float32Array),
    ]) as Background;
    expect(after.spread / before.spread).toBeGreaterThan(0.9);
    expect(after.spread / before.spread).toBeLessThan(1.1);
  });
});

describe('ranking by a model with other similarities', () => {
  /** Stores the notes of one owner of `test/eval/agents` with distorted vectors, and asks their questions. */
  async function evaluate(distortion: Distortion) {
    const [whole] = await readSets([join(import.meta.dirname, '../../eval/agents')]);
    if (!whole) throw new Error('the set is missing');
    const set = {
      ...whole,
      notes: whole.notes.filter(({ owner }) => owner === 'irina'),
      questions: whole.questions.filter(({ owner }) => owner === 'irina'),
    };
    const endpoint = await startEncoderEndpoint(distortion);
    const { embedder, embeddings } = readConfig(endpoint.settings);
    const node = await startTestService({ embedder, embeddings });
    try {
      const addUser = async () => (await node.newUser()).apiKey;
      const service = { addUser, call: callerOf(node.url), progress: () => undefined };
      const tenants = await store(service, set, false);
      for (const { apiKey } of Object.values(tenants)) await untilEmbedded(new Client(node.url, apiKey));
      const answers = [];
      for (const question of set.questions) answers.push(await ask(service, tenantOf(tenants, question), question));
      expect(answers.map(({ retrievers }) => retrievers)).toEqual(
        answers.map(() => JSON.stringify({ lexical: 'ok', semantic: 'ok' })),
      );
      const low = answers.filter(({ lowConfidence }) => lowConfidence).length / answers.length;
      return { ndcg: 100 * means(scoreAll(answers, set.gold))['nDCG@10'], low };
    } finally {
      await node.stop();
      await endpoint.close();
    }
  }

  it('is within half a point of nDCG@10, and as confident', { timeout: 240_000 }, async () => {
    const plain = await evaluate('none');
    expect(plain.ndcg).toBeGreaterThan(75);
    for (const distortion of ['scale', 'narrow'] as const) {
      const { ndcg, low } = await evaluate(distortion);
      expect(Math.abs(ndcg - plain.ndcg), distortion).toBeLessThanOrEqual(0.5);
      expect(Math.abs(low - plain.low), distortion).toBeLessThanOrEqual(0.02);
    }
  });
});
