import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestService, type TestService, type TestUser } from '../support/service.ts';

/*
 * Tags of random scripts and notations in writes and filters: normalized the same way in both.
 */

let node: TestService;
let user: TestUser;
let stored: { id: string; tags: string[] }[];

/** Few letters, so that tags collide: white space, irregular case pairs, combining marks and surrogate pairs. */
const letter = fc.constantFrom(
  'a',
  'A',
  'b',
  'İ',
  'ß',
  'ẞ',
  'é',
  'e\u0301',
  'Ω',
  'ω',
  '\u{10400}',
  '\u{10428}',
  '日',
  '\u{1F468}\u200D\u{1F469}',
  '%',
  '_',
  '"',
  '\\',
  "'",
  '{',
  '}',
  ',',
  '\u00A0',
  ' ',
  '\t',
  '\u3000',
);
const tag = fc.string({ unit: letter, minLength: 1, maxLength: 4 });
const tagList = fc.array(fc.oneof(tag, fc.constantFrom('a', 'b', 'A', ' a ', 'a b', 'a  B')), { maxLength: 5 });

/** A second implementation of tag normalization. */
function normalizedTags(tags: readonly string[]): string[] {
  const seen: string[] = [];
  for (const raw of tags) {
    const normal = raw.toLowerCase().normalize('NFC').trim().split(/\s+/u).join('_');
    if (normal !== '' && !seen.includes(normal)) seen.push(normal);
  }
  return seen;
}

function matches(memory: { tags: string[] }, filter: readonly string[], how: string): boolean {
  const wanted = normalizedTags(filter);
  if (how === 'exact')
    return wanted.length === memory.tags.length && wanted.every((name) => memory.tags.includes(name));
  if (wanted.length === 0) return true;
  return how === 'any'
    ? wanted.some((name) => memory.tags.includes(name))
    : wanted.every((name) => memory.tags.includes(name));
}

beforeAll(async () => {
  node = await startTestService();
  user = await node.newUser();
  const lists = fc.sample(tagList, { numRuns: 80, seed: 20261123 });
  const memories = lists.map((tags, n) => ({ title: `memory ${n}`, content: `of ${tags.length} tags`, tags }));
  const { body } = await user.api.post('/memories/batch', { memories });
  stored = body.results.map(({ id }: { id: string }, n: number) => ({
    id,
    tags: normalizedTags(lists[n] as string[]),
  }));
});
afterAll(() => node.stop());

describe('tags', () => {
  it('are stored normalized', async () => {
    for (const { id, tags } of stored) expect((await user.api.get(`/memories/${id}`)).body.tags).toEqual(tags);
  });

  it('filter like the model by all, any and exact, in any notation', async () => {
    await fc.assert(
      fc.asyncProperty(tagList, fc.constantFrom('all', 'any', 'exact'), async (tags, tags_match) => {
        const expected = stored.filter((memory) => matches(memory, tags, tags_match)).map(({ id }) => id);
        const filter = { status: 'all', tags, tags_match };
        const bulk = await user.api.post('/memories/bulk', { filter, action: 'delete', dry_run: true });
        expect([bulk.status, bulk.body.matched]).toEqual([200, expected.length]);
        expect(bulk.body.changed.sort()).toEqual([...expected].sort());
      }),
      { numRuns: 150 },
    );
  });

  it('filter the same in a query string, where a comma separates two tags', async () => {
    await fc.assert(
      fc.asyncProperty(tagList, fc.constantFrom('all', 'any', 'exact'), async (tags, tags_match) => {
        const parts = tags.join(',').split(',');
        const expected = stored.filter((memory) => matches(memory, parts, tags_match)).map(({ id }) => id);
        const query = new URLSearchParams({ tags: tags.join(','), tags_match, limit: '200' });
        const { body } = await user.api.get(`/memories?${query}`);
        expect(body.results.map(({ id }: { id: string }) => id).sort()).toEqual([...expected].sort());
        expect(body.total).toBe(expected.length);
      }),
      { numRuns: 100 },
    );
  });

  it('are counted like in the model', async () => {
    const counts = new Map<string, number>();
    for (const name of stored.flatMap(({ tags }) => tags)) counts.set(name, (counts.get(name) ?? 0) + 1);
    const seen: { tag: string; count: number }[] = [];
    for (let cursor = ''; ; ) {
      const { body } = await user.api.get(`/tags?limit=7${cursor && `&cursor=${cursor}`}`);
      expect(body.total).toBe(counts.size);
      seen.push(...body.results);
      cursor = body.next_cursor;
      if (!cursor) break;
    }
    const expected = [...counts].map(([name, count]) => ({ tag: name, count }));
    expected.sort((one, two) => two.count - one.count || Buffer.compare(Buffer.from(one.tag), Buffer.from(two.tag)));
    expect(seen.map(({ tag, count }) => ({ tag, count }))).toEqual(expected);
  });

  it('change like in the model: replaced, or added and then removed', async () => {
    const change = fc.record({ tags: tagList, add_tags: tagList, remove_tags: tagList }, { requiredKeys: [] });
    const { body: created } = await user.api.post('/memories', { title: 'changing', content: 'tags', tags: ['a'] });
    let current = ['a'];
    await fc.assert(
      fc.asyncProperty(change, async (input) => {
        const removed = normalizedTags(input.remove_tags ?? []);
        const added = normalizedTags([...current, ...(input.add_tags ?? [])]).filter((name) => !removed.includes(name));
        current = input.tags ? normalizedTags(input.tags) : added;
        const { status, body } = await user.api.patch(`/memories/${created.id}`, input);
        expect([status, body.tags]).toEqual([200, current]);
      }),
      { numRuns: 60 },
    );
    await user.api.delete(`/memories/${created.id}?permanent=true`);
  });
});
