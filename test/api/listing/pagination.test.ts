import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { encodeCursor } from '../../../api/listing/cursor.ts';
import { countTokens } from '../../../api/tokens/count.ts';
import type { Json } from '../../support/client.ts';
import { startTestService, type TestService, type TestUser } from '../../support/service.ts';

let node: TestService;

beforeAll(async () => {
  node = await startTestService();
});
afterAll(() => node.stop());

/** Creates a user who stores these memories in this order. */
async function userWith(memories: object[]): Promise<TestUser> {
  const made = await node.newUser();
  for (const [index, memory] of memories.entries()) {
    const { status } = await made.api.post('/memories', { title: `M${index}`, content: `text ${index}`, ...memory });
    expect(status).toBe(201);
  }
  return made;
}

describe('list pagination', () => {
  it.each(['created_at', 'updated_at', 'occurred_at', 'title'])(
    'returns every memory once when sorted by %s, ties included',
    async (sort) => {
      const same = { occurred_at: '2026-01-01', title: 'the same' };
      const owner = await node.newUser();
      const memories = Array.from({ length: 23 }, (_, i) => ({ content: `c${i}`, ...same }));
      await owner.api.post('/memories/batch', { memories });
      for (const order of ['asc', 'desc']) {
        const seen: string[] = [];
        let cursor = '';
        for (let page = 0; page < 9; page++) {
          const { body } = await owner.api.get(`/memories?sort=${sort}&order=${order}&limit=5${cursor}`);
          expect(body.total).toBe(23);
          seen.push(...body.results.map((memory: Json) => memory.id));
          if (body.next_cursor === null) break;
          cursor = `&cursor=${body.next_cursor}`;
        }
        expect(seen).toHaveLength(23);
        expect(new Set(seen).size).toBe(23);
      }
    },
  );

  it('neither skips nor repeats memories while others are added and deleted', async () => {
    const owner = await userWith(Array.from({ length: 6 }, () => ({})));
    const first = (await owner.api.get('/memories?limit=3')).body;
    await owner.api.post('/memories', { title: 'new', content: 'new' });
    await owner.api.delete(`/memories/${first.results[2].id}?permanent=true`);
    const rest = (await owner.api.get(`/memories?limit=3&cursor=${first.next_cursor}`)).body;
    expect(rest.results.map((memory: Json) => memory.title)).toEqual(['M2', 'M1', 'M0']);
    expect(rest.next_cursor).toBeNull();
  });

  it('rejects a cursor of another list, or an invalid one, with a 400 that names it', async () => {
    const owner = await userWith([{ tags: ['a'] }, { tags: ['a'] }]);
    const { next_cursor } = (await owner.api.get('/memories?limit=1')).body;
    const tagCursor = (await owner.api.get('/memories?limit=1&tags=a')).body.next_cursor;
    const cursors = [
      `?tags=a&cursor=${next_cursor}`,
      `?sort=title&cursor=${next_cursor}`,
      `?order=asc&cursor=${next_cursor}`,
      `?cursor=${tagCursor}`,
      '?cursor=nonsense',
      '?cursor=',
      '?cursor=bnVsbA',
      '?cursor=W10',
    ];
    for (const query of cursors) {
      const rejected = await owner.api.get(`/memories${query}`);
      expect(rejected.status, query).toBe(400);
      expect(rejected.body.errors[0].path).toBe('cursor');
    }
    const other = await owner.api.get(`/memories?limit=1&cursor=${next_cursor}`, { 'X-WhiteMagic-Project': 'p' });
    expect(other.status).toBe(400);
  });

  it('rejects a manipulated cursor with 400', async () => {
    const queryDigest = (cursor: string) => JSON.parse(Buffer.from(cursor, 'base64url').toString())[0];
    const forge = (cursor: string, position: unknown[]) =>
      Buffer.from(JSON.stringify([queryDigest(cursor), ...position])).toString('base64url');
    const owner = await userWith([{ tags: ['a'] }, { tags: ['b'] }]);
    const { body: list } = await owner.api.get('/memories?limit=1');
    const { id } = list.results[0];
    await owner.api.patch(`/memories/${id}`, { title: 'x' });
    await owner.api.patch(`/memories/${id}`, { title: 'y' });
    const versions = (await owner.api.get(`/memories/${id}/versions?limit=1`)).body.next_cursor;
    const tags = (await owner.api.get('/tags?limit=1')).body.next_cursor;
    const positions: unknown[][] = [
      ['x', 'y'],
      ['2026-01-01', 'y'],
      [],
      [null, null],
      [{}, []],
      ['9'.repeat(99), id],
      [[]],
      [-1],
    ];
    for (const position of positions) {
      const wrong = JSON.stringify(position);
      const responses = [
        await owner.api.get(`/memories?limit=1&cursor=${forge(list.next_cursor, position)}`),
        await owner.api.get(`/memories/${id}/versions?limit=1&cursor=${forge(versions, position)}`),
        await owner.api.get(`/tags?limit=1&cursor=${forge(tags, position)}`),
      ];
      expect(
        responses.map(({ status }) => status),
        wrong,
      ).toEqual([400, 400, 400]);
    }
    expect(encodeCursor('q', [1])).not.toBe(encodeCursor('other', [1]));
  });
});

describe('list max_tokens', () => {
  it('truncates long memories, marks them, and continues after them with the cursor', async () => {
    const owner = await userWith(Array.from({ length: 8 }, () => ({ content: 'lorem ipsum dolor '.repeat(400) })));
    const seen: string[] = [];
    let cursor = '';
    do {
      const { body } = await owner.api.get(`/memories?max_tokens=2000${cursor}`);
      expect(body.truncated).toBe(true);
      expect(countTokens(JSON.stringify(body.results))).toBeLessThanOrEqual(2_000);
      for (const memory of body.results) expect(memory.truncated).toBe(true);
      seen.push(...body.results.map((memory: Json) => memory.title));
      cursor = body.next_cursor && `&cursor=${body.next_cursor}`;
    } while (cursor);
    expect(seen).toEqual(['M7', 'M6', 'M5', 'M4', 'M3', 'M2', 'M1', 'M0']);
  });

  it('returns one memory per page when none fits, so that pagination ends', async () => {
    const owner = await userWith([{}, {}, {}]);
    const { body } = await owner.api.get('/memories?max_tokens=50');
    expect(body.results).toHaveLength(1);
    expect(body.next_cursor).not.toBeNull();
    expect(body.truncated).toBe(true);
  });

  it('changes nothing when everything fits', async () => {
    const owner = await userWith([{}, {}, {}]);
    const { body } = await owner.api.get('/memories?max_tokens=5000');
    expect(body).toEqual((await owner.api.get('/memories')).body);
  });
});
