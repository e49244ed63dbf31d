import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Json } from '../../support/client.ts';
import { startTestService, type TestService, type TestUser } from '../../support/service.ts';

const LENGTH = 700_000;
const MEMORIES = 7;
/** Bytes of a page, and one more memory. */
const PAGE_MAX = 2_097_152 + LENGTH + 10_000;

let node: TestService;
let owner: TestUser;

beforeAll(async () => {
  node = await startTestService();
  owner = await node.newUser();
  // Encoded data: a large text that is indexed at once.
  for (let n = 0; n < MEMORIES; n++) {
    const { status } = await owner.api.post('/memories', {
      title: `Large ${n}`,
      content: `${n} ${'aB3'.repeat(LENGTH / 3)}`,
    });
    expect(status).toBe(201);
  }
  await owner.api.post('/memories', { title: 'Small', content: 'Small content 🦭' });
});
afterAll(() => node.stop());

async function allPages(path: string): Promise<{ pages: number; results: Json[]; largest: number }> {
  const results: Json[] = [];
  let [pages, largest] = [0, 0];
  for (let cursor: string | null = ''; cursor !== null; pages++) {
    const { body, text, status } = await owner.api.get(`${path}${cursor && `&cursor=${cursor}`}`);
    expect(status, text.slice(0, 300)).toBe(200);
    results.push(...body.results);
    largest = Math.max(largest, text.length);
    cursor = body.next_cursor;
  }
  return { pages, results, largest };
}

describe('a list of large memories', () => {
  it('returns the beginning of each content, and says that it is cut', async () => {
    const { body, text } = await owner.api.get('/memories?limit=200');
    expect(text.length).toBeLessThan(60_000);
    expect(body.results).toHaveLength(MEMORIES + 1);
    expect(body.results[0]).toMatchObject({ title: 'Small', content: 'Small content 🦭' });
    expect(body.results[0]).not.toHaveProperty('truncated');
    expect(body.results[1]).toMatchObject({ title: 'Large 6', truncated: true, size_bytes: LENGTH + 8 });
    expect(body.results[1].content).toHaveLength(4_000);
    expect(body).toMatchObject({ total: MEMORIES + 1, next_cursor: null, truncated: true });
  });

  it('returns whole contents on request, in pages of bounded size that neither repeat nor skip one', async () => {
    for (const sort of ['created_at', 'title']) {
      const { pages, results, largest } = await allPages(`/memories?limit=200&include=content&sort=${sort}`);
      expect(pages).toBeGreaterThanOrEqual(3);
      expect(largest).toBeLessThan(PAGE_MAX);
      expect(new Set(results.map(({ id }) => id)).size).toBe(MEMORIES + 1);
      expect(results).toHaveLength(MEMORIES + 1);
      for (const { title, content } of results)
        if (title !== 'Small') expect(content.length).toBeGreaterThan(LENGTH - 3);
    }
  });

  it('stays within a bound of bytes when four are read at once', async () => {
    const lists = ['/memories?limit=200', '/memories?limit=200&include=content'].flatMap((path) => [path, path]);
    const pages = await Promise.all(lists.map((path) => owner.api.get(path)));
    expect(pages.reduce((sum, { text }) => sum + text.length, 0)).toBeLessThan(2 * PAGE_MAX + 120_000);
  });

  it('fits a token budget', async () => {
    const { body, text } = await owner.api.get('/memories?limit=200&include=content&max_tokens=2000');
    expect(body.results.length).toBeGreaterThan(0);
    expect(text.length).toBeLessThan(20_000);
  });
});

describe('a list of large versions', () => {
  it('comes in pages of bounded size', async () => {
    const { body } = await owner.api.post('/memories', { title: 'Edited', content: `v0 ${'aB3'.repeat(LENGTH / 3)}` });
    for (let n = 1; n <= 5; n++) {
      const { status } = await owner.api.patch(`/memories/${body.id}`, {
        content: `v${n} ${'aB3'.repeat(LENGTH / 3)}`,
      });
      expect(status).toBe(200);
    }
    const { pages, results, largest } = await allPages(`/memories/${body.id}/versions?limit=50`);
    expect(results.map(({ version }) => version)).toEqual([5, 4, 3, 2, 1]);
    expect(pages).toBe(2);
    expect(largest).toBeLessThan(PAGE_MAX);
  });
});
