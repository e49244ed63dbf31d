import { afterAll, beforeAll, expect, it } from 'vitest';
import { Client } from '../../support/client.ts';
import { type EmbeddingEndpoint, startEmbeddingEndpoint } from '../../support/embedding-endpoint.ts';
import { storeAll, until } from '../../support/retrieval.ts';
import { startTestService, type TestService } from '../../support/service.ts';

const TOKEN = 'a-token-of-enough-length';

let node: TestService;
let endpoint: EmbeddingEndpoint;

beforeAll(async () => {
  endpoint = await startEmbeddingEndpoint();
  const embeddings = { url: endpoint.url, model: 'tiny' };
  node = await startTestService({ embedder: 'openai', embeddings, metricsToken: TOKEN });
});
afterAll(async () => {
  await node.stop();
  await endpoint.close();
});

const ready = async () => {
  const { status, body } = await new Client(node.url).get(`${node.url}/ready`);
  expect(status).toBe(200);
  return body;
};

it('readiness and metrics tell how many memories wait for their vectors, and how long', async () => {
  expect(await ready()).toMatchObject({ search: { semantic: 'ready' }, embedding: { waiting: 0, lag_seconds: 0 } });
  let release = () => {};
  const held = new Promise<number>((resolve) => {
    release = () => resolve(200);
  });
  endpoint.statusOf = () => held;
  const { api } = await node.newUser();
  await storeAll(api, [{ title: 'One', content: 'It waits.' }]);
  await node.service.database.owner.query("update embedding_queue set queued_at = now() - interval '2 minutes'");
  const behind = await until(async () => {
    const body = await ready();
    return body.embedding.waiting > 0 && body;
  }, 'the memory is counted');
  expect(behind).toMatchObject({ ready: true, search: { lexical: 'ready', semantic: 'degraded' } });
  expect(behind.embedding.waiting).toBe(1);
  expect(behind.embedding.lag_seconds).toBeGreaterThanOrEqual(120);
  const { text } = await new Client(node.url).get(`${node.url}/metrics`, { Authorization: `Bearer ${TOKEN}` });
  expect(text).toContain('whitemagic_embedding_backlog{kind="written"} 1\n');
  expect(text).toMatch(/^whitemagic_embedding_lag_seconds 1[2-9]\d$/m);
  release();
  await until(async () => (await ready()).search.semantic === 'ready', 'nothing waits');
});
