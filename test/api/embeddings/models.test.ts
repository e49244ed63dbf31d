import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Client } from '../../support/client.ts';
import { dropDatabase, freshDatabase } from '../../support/database.ts';
import { search, storeAll, titlesOf, until, untilEmbedded } from '../../support/retrieval.ts';
import { startTestService, type TestService } from '../../support/service.ts';

/** Words of one meaning, in the order of the numbers of a vector; the models differ in that order. */
const MEANINGS = [
  ['dog', 'canine', 'puppy'],
  ['invoice', 'bill', 'payment'],
  ['car', 'vehicle', 'automobile'],
];

/** An endpoint of the protocol. A model that is held embeds queries, and no documents until it is released. */
const held = new Map<string, Promise<void>>();
let asked: string[] = [];
const endpoint = createServer(async (request, response) => {
  const { model, input } = JSON.parse(await text(request)) as { model: string; input: string[] };
  asked.push(model);
  if (input.some((one) => one.startsWith('Note'))) await held.get(model);
  const order = model === 'old' ? MEANINGS : MEANINGS.toReversed();
  const data = input.map((one, index) => ({
    index,
    embedding: [...order.map((words) => (words.some((word) => one.toLowerCase().includes(word)) ? 1 : 0)), 0.01],
  }));
  response.setHeader('Content-Type', 'application/json').end(JSON.stringify({ data }));
});

let databaseUrl: string;
let url: string;
beforeAll(async () => {
  databaseUrl = await freshDatabase();
  await new Promise<void>((resolve) => endpoint.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(endpoint.address() as AddressInfo).port}/v1`;
});
afterAll(async () => {
  endpoint.closeAllConnections();
  endpoint.close();
  await dropDatabase(databaseUrl);
});

const start = (model: string): Promise<TestService> =>
  startTestService({ databaseUrl, embedder: 'openai', embeddings: { url, model } });

it('model change: memories are found by the vectors of either model', async () => {
  const before = await start('old');
  const { api: writer, apiKey } = await before.newUser();
  await storeAll(writer, [
    { title: 'Note 1', content: 'The puppy sleeps.' },
    { title: 'Note 2', content: 'The automobile is red.' },
  ]);
  await untilEmbedded(writer);
  await before.stop();

  let letGo = () => {};
  held.set(
    'new',
    new Promise<void>((resolve) => {
      letGo = resolve;
    }),
  );
  const node = await start('new');
  try {
    const api = new Client(node.url, apiKey);
    expect((await api.get('/stats')).body.embedding).toMatchObject({ model: 'openai:new@1', pending: 2 });
    expect(titlesOf(await search(api, 'canine'))[0]).toBe('Note 1');
    expect(titlesOf(await search(api, 'vehicle'))[0]).toBe('Note 2');
    letGo();
    await untilEmbedded(api);
    expect(titlesOf(await search(api, 'canine'))[0]).toBe('Note 1');
    const { owner } = node.service.database;
    const models = async () => (await owner.query('select model from embedding_models')).rows.map(({ model }) => model);
    await until(async () => (await models()).join() === 'openai:new@1', 'the former model forgotten');
    for (const table of ['memory_vectors', 'memory_codes']) {
      const { rows } = await owner.query(`select distinct model from ${table}`);
      expect(rows).toEqual([{ model: 'openai:new@1' }]);
    }
    asked = [];
    expect(titlesOf(await search(api, 'payment for the vehicle'))[0]).toBe('Note 2');
    expect(asked).toEqual(['new']);
  } finally {
    letGo();
    await node.stop();
  }
});

it('memory changed without a model: the outdated vector is removed', async () => {
  const before = await start('new');
  const { api: writer, apiKey } = await before.newUser();
  const [id] = await storeAll(writer, [{ title: 'Note 3', content: 'The puppy sleeps.' }]);
  await untilEmbedded(writer);
  await before.stop();

  const without = await startTestService({ databaseUrl });
  await new Client(without.url, apiKey).patch(`/memories/${id}`, { content: 'The payment is late.' });
  await without.stop();

  const node = await start('new');
  try {
    const api = new Client(node.url, apiKey);
    await untilEmbedded(api);
    expect((await search(api, 'canine')).results).toMatchObject([{ title: 'Note 3' }]);
    const [hit] = (await search(api, { query: 'bill', explain: true })).results;
    expect(hit.explanation.semantic).toBeGreaterThan(0.9);
    // An endpoint gives no vectors of tokens: none are compared, and none are missing.
    expect(hit.explanation).not.toHaveProperty('late_interaction');
    const { rows } = await node.service.database.owner.query(
      'select memory_id from memory_vectors where token_codes is null',
    );
    expect(rows).toEqual([]);
  } finally {
    await node.stop();
  }
});
