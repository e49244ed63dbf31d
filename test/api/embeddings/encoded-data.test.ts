import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { type Document, type Embedder, embedDocuments } from '../../../api/embeddings/embedder.ts';
import { withoutEncodedData } from '../../../api/embeddings/encoded-data.ts';

const DATA = `${randomBytes(300).toString('base64')}aB3dE5`;

describe('withoutEncodedData', () => {
  it('replaces encoded data by as many spaces', () => {
    const text = `The logo is ${DATA}, in PNG.`;
    expect(withoutEncodedData(text)).toBe(`The logo is ${' '.repeat(DATA.length)}, in PNG.`);
    expect(withoutEncodedData(DATA)).toBe(' '.repeat(DATA.length));
  });

  it('keeps texts without such data, hashes and paths included', () => {
    const text = `The commit ${'0123456789abcdef'.repeat(4)} moved src/components/dashboard/settings/notifications/email-preferences.tsx`;
    expect(withoutEncodedData(text)).toBe(text);
  });
});

it('gives models texts without encoded data', async () => {
  const given: Document[] = [];
  const embedder = {
    model: 'test',
    embedDocuments: async (texts: readonly Document[]) => {
      given.push(...texts);
      return [];
    },
  } as unknown as Embedder;
  await embedDocuments(embedder, [`Key: ${DATA}`, { text: `${DATA} end`, lead: 'before' }]);
  expect(given).toEqual([
    `Key: ${' '.repeat(DATA.length)}`,
    { text: `${' '.repeat(DATA.length)} end`, lead: 'before' },
  ]);
});
