import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { NoEmbedder } from '../../../api/embeddings/none.ts';
import { search as runSearch } from '../../../api/search/search.ts';
import type { Sql } from '../../../db/client/sql.ts';
import type { Client, Json } from '../../support/client.ts';
import { idsOf, search, storeMany, untilEmbedded } from '../../support/retrieval.ts';
import { startTestService, type TestService } from '../../support/service.ts';

let lexical: TestService;
let hybrid: TestService;

beforeAll(async () => {
  [lexical, hybrid] = await Promise.all([startTestService(), startTestService({ embedder: 'local' })]);
});
afterAll(() => Promise.all([lexical.stop(), hybrid.stop()]));

const notes = (count: number, text: (n: number) => string) =>
  Array.from({ length: count }, (_, n) => ({ title: `Note ${n}`, content: text(n) }));

/** Reads all pages of a search; `between` runs after each of them. */
async function readPages(
  api: Client,
  body: object,
  between: (page: number) => Promise<unknown> = async () => undefined,
) {
  const pages: Json[] = [];
  let cursor: string | null = null;
  do {
    const page: Json = await search(api, { ...body, ...(cursor && { cursor }) });
    pages.push(page);
    cursor = page.next_cursor;
    await between(pages.length);
  } while (cursor);
  return { pages, ids: pages.flatMap(idsOf) };
}

describe('pages of a search', () => {
  it('deliver every pinned hit in order when better notes arrive', async () => {
    const { api } = await lexical.newUser();
    await storeMany(
      api,
      notes(150, (n) => `heron number ${n} with other words around it`),
    );
    const expected = idsOf(await search(api, { query: 'heron', limit: 200 }));
    const { pages, ids } = await readPages(api, { query: 'heron', limit: 10 }, (page) =>
      storeMany(
        api,
        notes(40, (n) => `heron heron heron ${page} ${n}`),
      ),
    );
    expect(ids).toEqual(expected);
    expect(new Set(pages.map(({ total, total_relation }) => `${total} ${total_relation}`))).toEqual(
      new Set(['150 eq']),
    );
  });

  it('reach the whole total when the hits match by term and by meaning', async () => {
    const { api } = await hybrid.newUser();
    await storeMany(
      api,
      notes(150, (n) => `The heron stands in pond number ${n}.`),
    );
    await untilEmbedded(api);
    const { pages, ids } = await readPages(api, { query: 'heron', limit: 10 }, (page) =>
      page > 3
        ? Promise.resolve()
        : storeMany(
            api,
            notes(20, (n) => `heron heron ${page} ${n}`),
          ),
    );
    expect(new Set(ids).size).toBe(150);
    expect(pages.every(({ total }) => total === 150)).toBe(true);
    expect(pages[0]).not.toHaveProperty('reachable');
  });

  it('are ranked by all scores to the 40th result, and behind that by words, whatever the size of the pages', async () => {
    const { api } = await hybrid.newUser();
    await storeMany(
      api,
      notes(130, (n) => `heron ${'with other words '.repeat(n % 13)}in pond number ${n}`),
    );
    await untilEmbedded(api);
    const { ids } = await readPages(api, { query: 'heron', limit: 10 });
    expect(new Set(ids).size).toBe(130);
    const { ids: inFew } = await readPages(api, { query: 'heron', limit: 20, max_tokens: 4_000 });
    expect(inFew).toEqual(ids);
    const { results } = await search(api, { query: 'heron', limit: 200 });
    expect(results).toHaveLength(130);
    for (const { score } of results) expect(score).toBeGreaterThan(0);
  });

  it('report what they cannot reach', async () => {
    const { api } = await lexical.newUser();
    await storeMany(
      api,
      notes(250, (n) => `heron ${n}`),
    );
    const { pages, ids } = await readPages(api, { query: 'heron', limit: 50 });
    expect(new Set(ids).size).toBe(200);
    for (const page of pages) expect(page).toMatchObject({ total: 250, total_relation: 'eq', reachable: 200 });
  });

  it('deliver each hit once where a token budget allows only a few pins, and notes arrive meanwhile', async () => {
    const { api } = await lexical.newUser();
    await storeMany(
      api,
      notes(60, (n) => `heron number ${n}`),
    );
    const expected = idsOf(await search(api, { query: 'heron', limit: 200 }));
    const { pages, ids } = await readPages(api, { query: 'heron', limit: 10, max_tokens: 1_000 }, (page) =>
      storeMany(
        api,
        notes(5, (n) => `heron heron ${page} ${n}`),
      ),
    );
    expect(ids).toEqual(expected);
    expect(pages.map(({ total }) => total)).toEqual(pages.map(() => 60));
  });

  it('leave out what was deleted or no longer matches the filter, without an empty page', async () => {
    const { api } = await lexical.newUser();
    await storeMany(
      api,
      notes(40, (n) => `heron ${n}`),
    );
    const expected = idsOf(await search(api, { query: 'heron', limit: 200 }));
    const { pages, ids } = await readPages(api, { query: 'heron', limit: 5 }, async (page) => {
      if (page !== 1) return;
      for (const id of expected.slice(5, 16)) await api.delete(`/memories/${id}?permanent=${page % 2 === 0}`);
      await api.patch(`/memories/${expected[20]}`, { content: 'no such bird' });
    });
    expect(ids).toEqual([...expected.slice(0, 5), ...expected.slice(16)]);
    expect(pages.every(({ results }) => results.length > 0)).toBe(true);
  });

  it('score only their own ids and the adjacent memories', async () => {
    const { api, userId } = await lexical.newUser();
    await storeMany(
      api,
      notes(30, (n) => `heron ${n}`).map((note, n) => ({ ...note, session_id: `s${n % 3}` })),
    );
    const statements: { text: string; values: readonly unknown[] }[] = [];
    const database = lexical.service.database.read(userId);
    const sql: Sql = {
      query: (statement) => {
        statements.push({ text: statement.text, values: statement.values ?? [] });
        return database.query(statement);
      },
    };
    const context = { sql, now: () => new Date(), newId: () => crypto.randomUUID() };
    const caller = { userId } as never;
    const embedders = { current: new NoEmbedder(), previous: [] };
    const input = { query: 'heron', limit: 5 };
    const rankings = () => statements.filter(({ text }) => text.includes('ranked_memories')).length;
    const first = await runSearch(context, caller, input, embedders);
    expect(rankings()).toBe(1);
    const { next_cursor } = first.toResponse(first.items);
    statements.length = 0;
    const second = await runSearch(context, caller, { ...input, cursor: next_cursor as string }, embedders);
    expect(second.items).toHaveLength(5);
    expect(rankings()).toBe(0);
    expect(statements.length).toBeLessThanOrEqual(7);
    const scored = statements.filter(({ text }) => text.includes('width_bucket'));
    expect(scored).toHaveLength(1);
    const ids = scored[0]?.values.find((value) => Array.isArray(value) && String(value[0]).length === 36) as string[];
    expect(ids.length).toBeLessThanOrEqual(5 + 5 * 4);
    expect(second.items.map(({ score }) => score)).toEqual(
      [...second.items.map(({ score }) => score)].toSorted((a, b) => b - a),
    );
  });
});
