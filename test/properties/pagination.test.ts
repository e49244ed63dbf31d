import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestService, type TestService, type TestUser } from '../support/service.ts';

/*
 * The pages of a list, for any query, are together the list that a model in plain JavaScript makes of the rows.
 */

interface Row {
  id: string;
  type: string;
  status: string;
  title: string;
  tags: string[];
  project: string | null;
  session_id: string | null;
  created_at: Date;
  updated_at: Date;
  occurred_at: Date | null;
}

const SIZE = 60;
const TAGS = ['a', 'b', 'c'];
const PROJECTS = [null, 'shop', 'größe'];
const SESSIONS = [null, 's1'];
const TYPES = ['short_term', 'long_term'];
/** Few moments, so that many rows share one and the order depends on the id. */
const MOMENTS = [0, 1, 2, 3].map((day) => new Date(Date.UTC(2026, 0, 1 + day)));
/** Titles whose order by code point differs from that by UTF-16 code units and from that of any language. */
const TITLES = ['a', 'B', 'ä', 'Z', '\u{1F600}', '\uFFFD', 'same', 'sam', 'same '];

let node: TestService;
let user: TestUser;
let rows: Row[];

beforeAll(async () => {
  node = await startTestService();
  user = await node.newUser();
  const pick = <T>(list: readonly T[], n: number): T => list[n % list.length] as T;
  const memories = Array.from({ length: SIZE }, (_, n) => ({
    title: pick(TITLES, n * 7),
    content: `memory ${n} `.repeat(1 + (n % 40)),
    type: pick(TYPES, n >> 1),
    tags: TAGS.filter((_, bit) => (n >> bit) & 1),
    project: pick(PROJECTS, n >> 2),
    session_id: pick(SESSIONS, n >> 3),
    occurred_at: n % 3 ? pick(MOMENTS, n >> 1).toISOString() : null,
  }));
  expect((await user.api.post('/memories/batch', { memories })).body.results.map((r: Row) => r.status)).toEqual(
    memories.map(() => 'created'),
  );
  const owner = node.service.database.owner;
  // The API cannot set equal creation times for many memories.
  await owner.query(
    `update memories m set created_at = ($2::timestamptz[])[1 + n % 4], updated_at = ($2::timestamptz[])[1 + (n / 4) % 4],
        status = case when n % 3 = 0 then 'archived' else 'active' end
      from (select id, (row_number() over (order by id))::int as n from memories where user_id = $1) o
      where m.user_id = $1 and m.id = o.id`,
    [user.userId, MOMENTS],
  );
  rows = (await owner.query<Row>('select * from memories where user_id = $1', [user.userId])).rows;
  expect(rows).toHaveLength(SIZE);
});
afterAll(() => node.stop());

interface ListQuery {
  type?: string;
  status?: string;
  tags?: string[];
  tags_match?: 'all' | 'any' | 'exact';
  session_id?: string;
  project?: string;
  created_after?: string;
  created_before?: string;
  occurred_after?: string;
  occurred_before?: string;
  sort?: 'created_at' | 'updated_at' | 'occurred_at' | 'title';
  order?: 'asc' | 'desc';
}

const moment = fc.constantFrom(...MOMENTS, new Date('2026-01-02T12:00:00Z')).map((date) => date.toISOString());
const anyQuery: fc.Arbitrary<ListQuery> = fc.record(
  {
    type: fc.constantFrom(...TYPES),
    status: fc.constantFrom('active', 'archived', 'all', 'all', 'all'),
    tags: fc.subarray([...TAGS, 'never']),
    tags_match: fc.constantFrom('all', 'any', 'exact'),
    session_id: fc.constantFrom('s1', 's9'),
    project: fc.constantFrom('shop', 'größe', '*'),
    created_after: moment,
    created_before: moment,
    occurred_after: moment,
    occurred_before: moment,
    sort: fc.constantFrom('created_at', 'updated_at', 'occurred_at', 'title'),
    order: fc.constantFrom('asc', 'desc'),
  },
  { requiredKeys: [] },
);
/** A query with few conditions, so that several pages match. */
const sparse = fc
  .tuple(anyQuery, fc.subarray(['sort', 'order', 'status', 'type', 'tags'] as const))
  .map(([all, kept]) => Object.fromEntries(kept.map((key) => [key, all[key]])) as ListQuery);

describe('list pagination', () => {
  it('returns the whole list in order, without gaps or repeats, for any filters, sort, order and limit', async () => {
    await fc.assert(
      fc.asyncProperty(fc.oneof(anyQuery, sparse), fc.integer({ min: 1, max: 25 }), async (query, limit) => {
        const expected = model(query);
        const pages = await walk(query, { limit });
        expect(pages.flatMap((page) => page.ids)).toEqual(expected);
        expect(pages.map((page) => page.total)).toEqual(pages.map(() => expected.length));
        // All pages but the last are full, and there is no further page.
        expect(pages).toHaveLength(Math.max(1, Math.ceil(expected.length / limit)));
        for (const page of pages.slice(0, -1)) expect(page.ids).toHaveLength(limit);
      }),
      { numRuns: 60 },
    );
  });

  it('returns the same list when a token budget truncates the pages', async () => {
    await fc.assert(
      fc.asyncProperty(
        sparse,
        fc.integer({ min: 5, max: 40 }),
        fc.integer({ min: 600, max: 6_000 }),
        async (query, limit, max_tokens) => {
          const pages = await walk(query, { limit, max_tokens });
          expect(pages.flatMap((page) => page.ids)).toEqual(model(query));
        },
      ),
      { numRuns: 15 },
    );
  });

  it('returns the rest of the list when memories are added and deleted before the current position', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 2, max: 20 }), fc.nat({ max: 3 }), async (limit, pause) => {
        const query: ListQuery = { status: 'all', sort: 'title', order: 'asc' };
        const before = model(query);
        const made: string[] = [];
        const pages = await walk(query, { limit }, async (n) => {
          if (n !== pause) return;
          // Sorts before all remaining memories.
          const { body } = await user.api.post('/memories', { title: '\t!', content: `new ${limit} ${Math.random()}` });
          made.push(body.id);
        });
        for (const id of made) await user.api.delete(`/memories/${id}?permanent=true`);
        expect(pages.flatMap((page) => page.ids)).toEqual(before);
      }),
      { numRuns: 10 },
    );
  });

  it('accepts a cursor with the query that it belongs to only', async () => {
    await fc.assert(
      fc.asyncProperty(anyQuery, anyQuery, async (query, other) => {
        const first = await user.api.get(`/memories?${queryString(query, { limit: 1 })}`);
        const cursor = first.body.next_cursor;
        if (!cursor) return;
        const next = await user.api.get(`/memories?${queryString(other, { limit: 1, cursor })}`);
        const same = JSON.stringify(withDefaults(query)) === JSON.stringify(withDefaults(other));
        expect(next.status).toBe(same ? 200 : 400);
      }),
      { numRuns: 40 },
    );
  });
});

/** Returns the ids of the matching memories in order, computed in JavaScript. */
function model(query: ListQuery): string[] {
  const { status = 'active', tags, tags_match = 'all', sort = 'created_at', order = 'desc' } = query;
  const has = (row: Row, tag: string) => row.tags.includes(tag);
  const tagged = (row: Row) => {
    // `exact` without tags, given or not, selects untagged memories.
    if (!tags) return tags_match !== 'exact' || row.tags.length === 0;
    if (tags_match === 'exact') return row.tags.length === tags.length && tags.every((tag) => has(row, tag));
    if (tags.length === 0) return true;
    return tags_match === 'any' ? tags.some((tag) => has(row, tag)) : tags.every((tag) => has(row, tag));
  };
  const within = (value: Date | null, from?: string, to?: string) =>
    (!from || (value !== null && value >= new Date(from))) && (!to || (value !== null && value < new Date(to)));
  const key = (row: Row): Buffer | number => {
    if (sort === 'title') return Buffer.from(row.title);
    return (sort === 'occurred_at' ? (row.occurred_at ?? row.created_at) : row[sort]).getTime();
  };
  const compare = (one: Row, two: Row): number => {
    const [a, b] = [key(one), key(two)];
    const byKey = typeof a === 'number' ? a - (b as number) : Buffer.compare(a, b as Buffer);
    return byKey || (one.id < two.id ? -1 : 1);
  };
  return rows
    .filter((row) => status === 'all' || row.status === status)
    .filter((row) => !query.type || row.type === query.type)
    .filter((row) => !query.project || query.project === '*' || row.project === query.project)
    .filter((row) => !query.session_id || row.session_id === query.session_id)
    .filter((row) => within(row.created_at, query.created_after, query.created_before))
    .filter((row) => within(row.occurred_at, query.occurred_after, query.occurred_before))
    .filter(tagged)
    .sort((one, two) => (order === 'asc' ? compare(one, two) : compare(two, one)))
    .map((row) => row.id);
}

interface Page {
  ids: string[];
  total: number;
}

async function walk(
  query: ListQuery,
  paging: { limit: number; max_tokens?: number },
  between: (page: number) => Promise<void> = async () => undefined,
): Promise<Page[]> {
  const pages: Page[] = [];
  let cursor: string | null = null;
  do {
    const { status, body } = await user.api.get(`/memories?${queryString(query, { ...paging, cursor })}`);
    expect([status, body]).toEqual([200, expect.anything()]);
    pages.push({ ids: body.results.map((memory: Row) => memory.id), total: body.total });
    cursor = body.next_cursor;
    await between(pages.length - 1);
    // Fails instead of looping forever.
    expect(pages.length).toBeLessThanOrEqual(SIZE + 1);
  } while (cursor);
  return pages;
}

function queryString(query: ListQuery, paging: { limit: number; max_tokens?: number; cursor?: string | null }): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries({ ...query, ...paging })) {
    if (value === null || value === undefined) continue;
    parameters.set(name, String(value));
  }
  return parameters.toString();
}

/** Fills in the defaults of a query. */
function withDefaults(query: ListQuery) {
  const { type, status = 'active', tags, tags_match = 'all', sort = 'created_at', order = 'desc' } = query;
  const { session_id, project, created_after, created_before, occurred_after, occurred_before } = query;
  const rest = { session_id, project, created_after, created_before, occurred_after, occurred_before };
  return { type, status, tags, tags_match, sort, order, ...rest };
}
