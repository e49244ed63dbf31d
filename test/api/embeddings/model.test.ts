import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { loadModel } from '../../../api/embeddings/local/model.ts';
import { cosine } from './texts.ts';

const FOLDER = fileURLToPath(new URL('../../../api/embeddings/local/model', import.meta.url));
/** Vectors of the published graph, which computes with floats, by text. */
const PUBLISHED = new URL('published-vectors.json', import.meta.url);

describe('graph of the encoder', () => {
  it.each([
    ['by default', undefined],
    ['with unsigned weights', true],
  ])('gives nearly the vectors of the published one, %s', async (_, isUnsigned) => {
    const published: Record<string, number[]> = JSON.parse(await readFile(PUBLISHED, 'utf8'));
    const { words, encoder } = await loadModel(FOLDER, 1, isUnsigned);
    for (const [text, numbers] of Object.entries(published)) {
      const ids = words.cut(text).flatMap((word) => word.ids);
      const { vector } = await encoder.encode({ ids, leadTokens: 0 });
      expect(cosine(vector, Float32Array.from(numbers))).toBeGreaterThan(0.996);
    }
  });

  it('gives the same vectors by default as with unsigned weights', async () => {
    const ids = Array.from({ length: 100 }, (_, at) => 2_000 + 37 * at);
    const vectorOf = async (isUnsigned?: boolean) => {
      const { encoder } = await loadModel(FOLDER, 1, isUnsigned);
      return (await encoder.encode({ ids, leadTokens: 0 })).vector;
    };
    expect(cosine(await vectorOf(), await vectorOf(true))).toBeCloseTo(1, 6);
  });
});
