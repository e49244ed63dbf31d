import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { preferenceOf } from '../../../api/search/query-intent.ts';
import type { Json } from '../../support/client.ts';
import { search, storeAll, titlesOf, untilEmbedded } from '../../support/retrieval.ts';
import { startTestService, type TestService } from '../../support/service.ts';

describe('preference of a query', () => {
  it.each([
    'Which Node version runs in CI?',
    'How long does Loki keep logs?',
    'current database version',
    'What did we decide about the queue?',
    '¿Con qué versión de Python corre el backend?',
    'Какая у нас версия torch?',
    'Welcher Steuersatz gilt jetzt',
  ])('is the newer memory for %j', (query) => expect(preferenceOf(query)).toBe('newer'));

  it.each([
    'What was the commission originally?',
    'Which host did we use previously?',
    'the former payment provider',
    '¿Cuál era la versión anterior?',
    'Какой порт был раньше?',
  ])('is the older memory for %j', (query) => expect(preferenceOf(query)).toBe('older'));

  it.each([
    'When did we move to Node 24?',
    'Why is the queue in PostgreSQL?',
    'How often did the deploy fail?',
    'What did we use before Redis?',
    'first release of the till',
    'What must tests not do?',
    'Warum läuft der Dienst nicht?',
    'error: connection refused',
    'walrus',
  ])('is none for %j', (query) => expect(preferenceOf(query)).toBeUndefined());
});

describe('memories about one subject', () => {
  let node: TestService;
  beforeAll(async () => {
    node = await startTestService({ embedder: 'local' });
  });
  afterAll(() => node.stop());

  const stored = async (memories: readonly object[]) => {
    const { api } = await node.newUser();
    await storeAll(api, memories);
    await untilEmbedded(api);
    return api;
  };
  const OLD = { title: 'Node in CI', content: 'The CI version of Node is 20.', occurred_at: '2026-01-10' };
  const NEW = {
    title: 'CI moved to Node 24',
    content: 'Since May all jobs run on 24.2; two tests hung on keep-alive.',
    occurred_at: '2026-05-29',
  };
  const OTHER = { title: 'Lunch', content: 'The canteen opens at noon.', occurred_at: '2026-06-01' };

  it('rank the newer one first for a question about the present, and say so', async () => {
    const api = await stored([OLD, NEW, OTHER]);
    const query = 'Which Node version runs in CI?';
    const { results } = await search(api, { query, explain: true });
    expect(titlesOf({ results }).slice(0, 2)).toEqual([NEW.title, OLD.title]);
    expect(results[0].reasons).toContain('Newer than a similar memory about node');
    expect(JSON.stringify(results[1].reasons)).not.toContain('than a similar memory');
    expect(titlesOf(await search(api, { query, boosts: false }))[0]).toBe(OLD.title);
  });

  it('rank by their match for a question about a time or a reason', async () => {
    const api = await stored([OLD, NEW, OTHER]);
    for (const query of ['Why is the CI version of Node 20?', 'first Node version in CI'])
      expect(titlesOf(await search(api, query))[0]).toBe(OLD.title);
  });

  it('rank the older one first for a question about what was before', async () => {
    const older = { ...NEW, title: 'CI moved to Node 20', occurred_at: '2025-05-29' };
    const api = await stored([{ ...OLD, content: 'The original CI version of Node is 22.' }, older]);
    const { results } = await search(api, { query: 'original Node version in CI, originally', explain: true });
    expect(titlesOf({ results })).toEqual([older.title, OLD.title]);
    expect(results[0].reasons).toContain('Older than a similar memory about node');
  });

  it('are not those of one hour, of other subjects, or with a frequent word in common', async () => {
    const reasons = async (memories: readonly object[], query: string) => {
      const { results } = await search(await stored(memories), { query, explain: true });
      return results.flatMap((one: Json) => one.reasons).filter((reason: string) => reason.includes('similar memory'));
    };
    const query = 'Which Node version runs in CI?';
    const batch = [OLD, { ...NEW, occurred_at: '2026-01-10T00:30:00Z' }];
    expect(await reasons(batch, query)).toEqual([]);
    expect(await reasons([OLD, { ...OTHER, title: 'Lunch of the Node team' }], query)).toEqual([]);
    const many = Array.from({ length: 8 }, (_, n) => ({
      title: `Node of office ${n}`,
      content: `It is on floor ${n}.`,
    }));
    const frequent = { ...NEW, title: 'Node 24' };
    expect(await reasons([{ ...OLD, title: 'Node version' }, frequent, ...many], query)).toEqual([]);
  });
});
