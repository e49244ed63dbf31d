import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Embedder } from '../../../api/embeddings/embedder.ts';
import { EndpointEmbedder } from '../../../api/embeddings/endpoint/endpoint.ts';
import { type Indexer, startIndexer } from '../../../api/embeddings/indexer.ts';
import { LocalEmbedder } from '../../../api/embeddings/local/local.ts';
import { PASSAGES_MAX } from '../../../api/embeddings/store-part.ts';
import { createLog } from '../../../api/observability/log.ts';
import { enqueueEmbedding } from '../../../db/queries/search/embedding-enqueue.ts';
import { registerModel } from '../../../db/queries/search/embedding-models.ts';
import { type EmbeddingEndpoint, startEmbeddingEndpoint } from '../../support/embedding-endpoint.ts';
import { storeMany, until } from '../../support/retrieval.ts';
import { startTestService, type TestService } from '../../support/service.ts';

/** A text that the model, or the endpoint, cannot embed. */
const POISON = 'POISON';

let node: TestService;
let endpoint: EmbeddingEndpoint;
let failures: string[];
const closers: (() => Promise<void>)[] = [];

beforeAll(async () => {
  // Nothing is embedded but by the indexers of the tests.
  node = await startTestService();
});
beforeEach(async () => {
  endpoint = await startEmbeddingEndpoint();
  failures = [];
});
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
  await endpoint.close();
  await node.service.database.owner.query('delete from memories');
});
afterAll(() => node.stop());

/** Starts an indexer with short pauses. */
function start(embedder: Embedder, pausesMs = [0, 10, 10]): Indexer {
  const { database } = node.service;
  const log = createLog({ level: 'silent', pretty: false });
  const onFailure = (reason: string) => void failures.push(reason);
  const indexer = startIndexer({ database, embedder, log, onFailure, pausesMs }, []);
  closers.push(
    () => embedder.close(),
    () => indexer.stop(),
  );
  return indexer;
}

const remote = () => new EndpointEmbedder({ url: endpoint.url, model: 'tiny', pauseMs: 1 });

/** Creates an account with memories that are queued for embedding. */
async function accountWith(contents: readonly string[]) {
  const { userId, api } = await node.newUser();
  const ids = await storeMany(
    api,
    contents.map((content, n) => ({ title: `Note ${n}`, content })),
  );
  for (const id of ids) await enqueueEmbedding(node.service.database.owner, userId, id);
  const count = async (table: string, condition = 'true') => {
    const text = `select count(*)::integer from ${table} where user_id = $1 and ${condition}`;
    return (await node.service.database.owner.query(text, [userId])).rows[0].count as number;
  };
  return {
    userId,
    ids,
    passages: () => count('memory_vectors'),
    embedded: () => count('(select distinct user_id, memory_id from memory_vectors) v'),
    waiting: () => count('embedding_queue', 'failure is null'),
    embedding: async () => (await api.get('/stats')).body.embedding,
  };
}

const notes = (count: number) => Array.from({ length: count }, (_, n) => `The office chairs of floor ${n} arrive.`);
const LONG = 'The meeting of the board took two hours, and nothing was decided. '.repeat(15_100);

describe('embedding of a long memory', () => {
  it('does not delay 100 short ones of another account, and ends at the most passages', async () => {
    const long = await accountWith([LONG]);
    const short = await accountWith(notes(100));
    start(remote());
    await until(async () => (await short.waiting()) === 0, 'the short memories are embedded', 60);
    expect(await short.embedded()).toBe(100);
    // Equal shares: what 100 short memories take, and what is embedded meanwhile of the long one.
    const meanwhile = await long.passages();
    expect(meanwhile).toBeGreaterThan(0);
    expect(meanwhile).toBeLessThan(100);
    expect(await long.waiting()).toBe(1);
    await until(async () => (await long.waiting()) === 0, 'the long memory is embedded', 60);
    expect(await long.passages()).toBe(PASSAGES_MAX);
    expect(await long.embedding()).toMatchObject({
      pending: 0,
      failed: 0,
      truncated: 1,
      passages_max: PASSAGES_MAX,
    });
  }, 120_000);

  it('continues where the stored passages end, in order and without gaps', async () => {
    const words = Array.from({ length: 3_000 }, (_, n) => (n % 7 === 0 ? `w${n}😀` : `word${n}`)).join(' ');
    const { ids, waiting } = await accountWith([words]);
    const indexer = start(remote());
    await until(async () => (await waiting()) === 0, 'the memory is embedded');
    await indexer.stop();
    const { rows } = await node.service.database.owner.query(
      'select chunk, first_character as first, last_character as last from memory_vectors where memory_id = $1 order by chunk',
      [ids[0]],
    );
    const text = `Note 0\n${words}`;
    expect(rows.map(({ chunk }) => chunk)).toEqual(rows.map((_, index) => index));
    expect([rows[0].first, rows.at(-1).last]).toEqual([0, text.length]);
    for (const [index, { first }] of rows.entries()) {
      if (index > 0) expect(first).toBeLessThanOrEqual(rows[index - 1].last);
    }
    const sent = new Set(endpoint.requests.flat());
    for (const { first, last } of rows) expect(sent).toContain(text.slice(first, last));
  });

  it('stops within the current batch, and keeps the passages that are stored', async () => {
    const long = await accountWith([LONG]);
    const first = start(remote());
    await until(async () => (await long.passages()) > 10, 'some passages are stored');
    // The endpoint does not respond any more.
    let reached = false;
    endpoint.statusOf = () => {
      reached = true;
      return new Promise(() => undefined);
    };
    await until(async () => reached, 'a request is pending');
    const stored = await long.passages();
    await first.stop();
    expect(await long.passages()).toBe(stored);
    endpoint.statusOf = () => 200;
    const before = endpoint.requests.length;
    start(remote());
    await until(async () => (await long.passages()) > stored, 'the next indexer goes on');
    // Nothing is embedded twice: the first request continues behind the stored passages.
    expect(endpoint.requests[before]?.[0]).not.toContain('Note 0');
  });
});

describe('memory that cannot be embedded', () => {
  it.each([
    [400, 'rejected'],
    [500, 'encoder_stopped'],
  ])(
    'fails alone when the endpoint returns %i for it, until an edit or a new model tries it again',
    async (status, reason) => {
      endpoint.statusOf = (inputs) => (inputs.some((input) => input.includes(POISON)) ? status : 200);
      const poisoned = await accountWith([...notes(3), POISON, ...notes(3).map((note) => `${note} Again.`)]);
      const other = await accountWith(notes(20));
      start(remote());
      await until(async () => (await other.waiting()) + (await poisoned.waiting()) === 0, 'nothing waits');
      expect([await other.embedded(), await poisoned.embedded()]).toEqual([20, 6]);
      const failed = { id: poisoned.ids[3], reason };
      expect(await poisoned.embedding()).toMatchObject({ pending: 0, failed: 1, failures: [failed] });
      expect(failures).toEqual([reason]);
      // It is tried once with others and three times alone; 500 may be temporary, so each time a few requests are made.
      const attempts = endpoint.requests.filter((inputs) => inputs.some((input) => input.includes(POISON)));
      expect(attempts.filter((inputs) => inputs.length > 1).length).toBe(status === 400 ? 1 : 4);

      endpoint.statusOf = () => 200;
      const { owner } = node.service.database;
      if (status === 400) await enqueueEmbedding(owner, poisoned.userId, poisoned.ids[3] as string);
      else await registerModel(owner, `new model ${status}`);
      await until(async () => (await poisoned.embedded()) === 7, 'it is embedded');
      expect(await poisoned.embedding()).toMatchObject({ pending: 0, failed: 0, failures: [] });
    },
  );

  it('is not blamed for an outage of the endpoint', async () => {
    endpoint.statusOf = () => 500;
    const { waiting, embedding, embedded } = await accountWith(notes(5));
    start(remote());
    await until(async () => endpoint.requests.length >= 5, 'the requests are paused');
    expect(await waiting()).toBe(5);
    expect((await embedding()).failed).toBe(0);
    const { rows } = await node.service.database.owner.query('select max(attempts) as most from embedding_queue');
    expect(rows[0].most).toBe(0);
    endpoint.statusOf = () => 200;
    await until(async () => (await embedded()) === 5, 'they are embedded after the outage', 30);
  });

  it('fails alone when the encoder process ends each time it embeds it', async () => {
    const poisoned = await accountWith([...notes(4), POISON]);
    const embedder = new LocalEmbedder();
    const { embedDocuments } = embedder;
    embedder.embedDocuments = (documents, options) => {
      const pending = embedDocuments.call(embedder, documents, options);
      if (JSON.stringify(documents).includes(POISON)) process.kill(embedder.pid as number, 'SIGKILL');
      return pending;
    };
    await until(async () => embedder.state === 'ready', 'the encoder is ready');
    // Once with others, once alone.
    start(embedder, [0]);
    await until(async () => (await poisoned.waiting()) === 0, 'nothing waits', 60);
    expect(await poisoned.embedded()).toBe(4);
    expect(failures).toEqual(['encoder_stopped']);
  }, 90_000);
});
