import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DAY_MS } from '../../api/time.ts';
import type { Json } from '../support/client.ts';
import { idsOf, search, storeMany, untilEmbedded } from '../support/retrieval.ts';
import { startTestService, type TestService, type TestUser } from '../support/service.ts';

/*
 * For any query of any tenant, a search returns memories of that tenant that match the filter, and its pages together are the whole list.
 */

let words: TestService;
let meaning: TestService;

beforeAll(async () => {
  [words, meaning] = await Promise.all([startTestService(), startTestService({ embedder: 'local' })]);
});
afterAll(() => Promise.all([words.stop(), meaning.stop()]));

const VOCABULARY = ['kelp', 'crab', 'tide', 'reef', 'getUserProfile', '猫', 'größe', '2022'];
const PROJECTS = ['a', 'b', null];
const SESSIONS = ['s', 't', null];
const TAGS = ['x', 'y', 'z'];
const TYPES = ['short_term', 'long_term'];
const DAYS = ['2024-01-01', '2024-06-01', null];

interface Note {
  title: string;
  content: string;
  project: string | null;
  session_id: string | null;
  tags: string[];
  type: string;
  occurred_at: string | null;
  archived: boolean;
  id: string;
}

const some = fc.array(fc.constantFrom(...VOCABULARY), { minLength: 1, maxLength: 5 });
const note = fc
  .record({
    words: some,
    project: fc.constantFrom(...PROJECTS),
    session_id: fc.constantFrom(...SESSIONS),
    tags: fc.subarray(TAGS),
    type: fc.constantFrom(...TYPES),
    occurred_at: fc.constantFrom(...DAYS),
    archived: fc.boolean(),
  })
  .map(({ words: held, ...rest }) => ({ ...rest, title: held[0] as string, content: held.join(' ') }));

const filter = fc.record(
  {
    project: fc.constantFrom(...PROJECTS, '*'),
    session_id: fc.constantFrom(...SESSIONS),
    tags: fc.subarray(TAGS),
    tags_match: fc.constantFrom('all', 'any', 'exact'),
    type: fc.constantFrom(...TYPES),
    status: fc.constantFrom('active', 'archived', 'all'),
    occurred_after: fc.constantFrom('2024-01-01', '2024-03-01'),
    occurred_before: fc.constantFrom('2024-03-01', '2024-06-02'),
  },
  { requiredKeys: [] },
);
type Filter = typeof filter extends fc.Arbitrary<infer T> ? T : never;
/** Mostly few conditions, so that some memories match. */
const sparse = fc
  .tuple(
    filter,
    fc.subarray(['project', 'session_id', 'tags', 'tags_match', 'type', 'status'] as const, { maxLength: 2 }),
  )
  .chain(([whole, kept]) =>
    fc.constantFrom(whole, Object.fromEntries(kept.filter((key) => key in whole).map((key) => [key, whole[key]]))),
  );
const operator = fc.constantFrom('', '', '', ' -crab', ' "kelp crab"', ' ?', ' unheard');
const query = fc.tuple(some, operator).map(([held, extra]) => held.join(' ') + extra);

/** The filter in plain JavaScript. */
function passes(one: Note, wanted: Filter): boolean {
  const { project, session_id, tags, tags_match = 'all', type, status = 'active' } = wanted;
  const at = one.occurred_at && new Date(one.occurred_at);
  if (status !== 'all' && one.archived !== (status === 'archived')) return false;
  if (project !== undefined && project !== '*' && one.project !== project) return false;
  if (session_id !== undefined && one.session_id !== session_id) return false;
  if (type && one.type !== type) return false;
  if (wanted.occurred_after && !(at && at >= new Date(wanted.occurred_after))) return false;
  // A date without a time includes that day.
  if (wanted.occurred_before && !(at && at < new Date(Date.parse(wanted.occurred_before) + DAY_MS))) return false;
  // With no tags, `any` and `all` match every memory, and `exact` the untagged ones.
  const asked = tags ?? [];
  if (tags_match === 'exact' && tags)
    return asked.length === one.tags.length && asked.every((t) => one.tags.includes(t));
  if (asked.length === 0) return tags_match !== 'exact' || tags !== undefined || one.tags.length === 0;
  return tags_match === 'any' ? asked.some((t) => one.tags.includes(t)) : asked.every((t) => one.tags.includes(t));
}

interface Tenant extends TestUser {
  notes: Map<string, Note>;
}

async function tenantWith(node: TestService, notes: Omit<Note, 'id'>[]): Promise<Tenant> {
  const user = await node.newUser();
  const stored = notes.map(({ archived: _, ...one }) => ({ ...one, content: `${one.content} ${randomUUID()}` }));
  const ids = await storeMany(user.api, stored);
  for (const [n, { archived }] of notes.entries()) if (archived) await user.api.delete(`/memories/${ids[n]}`);
  if (node === meaning) await untilEmbedded(user.api);
  return { ...user, notes: new Map(ids.map((id, n) => [id, { ...(notes[n] as Note), id }])) };
}

async function walk({ api }: Tenant, question: object, limit: number): Promise<string[]> {
  const seen: string[] = [];
  let cursor: string | null = null;
  do {
    const page: Json = await search(api, { ...question, limit, ...(cursor && { cursor }) });
    expect(page.results.length).toBeLessThanOrEqual(limit);
    if (cursor) expect(page.results.length).toBeGreaterThan(0);
    seen.push(...idsOf(page));
    cursor = page.next_cursor;
  } while (cursor);
  return seen;
}

describe.each([
  ['lexical', () => words, 15],
  ['hybrid', () => meaning, 5],
] as const)('%s search', (_name, nodeOf, numRuns) => {
  it('returns only memories of the tenant that match the filter, and its pages are the whole list', async () => {
    let results = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(note, { minLength: 3, maxLength: 20 }), { minLength: 2, maxLength: 3 }),
        fc.array(fc.record({ query, filter: sparse, limit: fc.integer({ min: 1, max: 6 }) }), {
          minLength: 3,
          maxLength: 6,
        }),
        async (lists, questions) => {
          const node = nodeOf();
          const tenants: Tenant[] = [];
          for (const list of lists) tenants.push(await tenantWith(node, list as Note[]));
          for (const tenant of tenants) {
            for (const { query: text, filter: wanted, limit } of questions) {
              const question = { query: text, ...wanted };
              const whole = await search(tenant.api, { ...question, limit: 200 });
              const ids = idsOf(whole);
              for (const id of ids) {
                const held = tenant.notes.get(id);
                expect(held, 'a memory of another tenant').toBeDefined();
                expect(passes(held as Note, wanted), JSON.stringify({ wanted, held })).toBe(true);
              }
              expect(new Set(ids).size).toBe(ids.length);
              expect(whole.total).toBeGreaterThanOrEqual(ids.length);
              expect(await walk(tenant, question, limit)).toEqual(ids);
              results += ids.length;
            }
          }
        },
      ),
      { numRuns },
    );
    expect(results).toBeGreaterThan(30);
  });
});
