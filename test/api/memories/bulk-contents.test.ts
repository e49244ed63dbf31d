import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { findHeads } from '../../../db/queries/memories/heads.ts';
import { findMemories, findMemory } from '../../../db/queries/memories/memories.ts';
import { startTestService, type TestService } from '../../support/service.ts';

// The statements that load contents are counted; they run as they are.
vi.mock('../../../db/queries/memories/memories.ts', { spy: true });
vi.mock('../../../db/queries/memories/heads.ts', { spy: true });

let node: TestService;

beforeAll(async () => {
  node = await startTestService();
});
beforeEach(() => vi.clearAllMocks());
afterAll(() => node.stop());

async function ownerOf(count: number) {
  const owner = await node.newUser();
  const memories = Array.from({ length: count }, (_, n) => ({
    title: `M${n}`,
    content: `${n} ${'aB3'.repeat(3_000)}`,
  }));
  await owner.api.post('/memories/batch', { memories });
  vi.clearAllMocks();
  return owner;
}

describe('bulk changes and consolidation', () => {
  it('load no content to archive, restore, delete or consolidate', async () => {
    const owner = await ownerOf(12);
    const bulk = async (action: string) => {
      const { body } = await owner.api.post('/memories/bulk', { filter: { status: 'all' }, action, dry_run: false });
      return body.changed.length;
    };
    expect(await bulk('archive')).toBe(12);
    expect(await bulk('restore')).toBe(12);
    const { body } = await owner.api.post('/consolidate', { dry_run: false, min_age_days: 0 });
    expect(body.counts.archived).toBe(12);
    expect(await bulk('delete')).toBeGreaterThan(12);
    expect(findMemories).not.toHaveBeenCalled();
    expect(findMemory).not.toHaveBeenCalled();
    for (const { value } of vi.mocked(findHeads).mock.settledResults) {
      for (const { content } of value as { content: string }[]) expect(content.length).toBeLessThanOrEqual(2_000);
    }
  });

  it('load one content at a time to change tags', async () => {
    const owner = await ownerOf(5);
    const request = { filter: { status: 'all' }, action: 'add_tags', tags: ['kept'], dry_run: false };
    const { body } = await owner.api.post('/memories/bulk', request);
    expect(body.changed).toHaveLength(5);
    expect(findMemories).not.toHaveBeenCalled();
    expect(findMemory).toHaveBeenCalledTimes(5);
    const found = await owner.api.get('/memories?tags=kept');
    expect(found.body.total).toBe(5);
  });
});
