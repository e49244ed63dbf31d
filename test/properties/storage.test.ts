import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { updateOverrides } from '../../db/queries/accounts/users.ts';
import type { Json } from '../support/client.ts';
import { startTestService, type TestService, type TestUser } from '../support/service.ts';

let node: TestService;

beforeAll(async () => {
  node = await startTestService();
});
afterAll(() => node.stop());

const WIDE = 1_000_000;

/** Returns a unique text of exactly this many bytes, at least 36. */
const textOf = (bytes: number) =>
  randomUUID()
    .repeat(Math.ceil(bytes / 36))
    .slice(0, Math.max(36, bytes));
const anyTags = fc.subarray(['a', 'größe', 'tag with spaces', 'x'.repeat(50)]);
const size = fc.oneof(fc.integer({ min: 36, max: 400 }), fc.integer({ min: 36, max: 20_000 }));
const pick = fc.nat({ max: 1_000 });

type Step =
  | { do: 'create'; bytes: number; tags: string[]; metadata: Json }
  | { do: 'repeat' | 'archive' | 'remove' | 'restore' | 'restoreVersion'; pick: number }
  | { do: 'patch'; pick: number; bytes: number; tags: string[] }
  | { do: 'put'; pick: number; bytes: number }
  | { do: 'batch'; sizes: number[] }
  | { do: 'bulk'; action: 'archive' | 'restore' | 'delete' | 'add_tags' | 'remove_tags'; tag: string; dry_run: boolean }
  | { do: 'consolidate' };

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    do: fc.constant('create' as const),
    bytes: size,
    tags: anyTags,
    metadata: fc.dictionary(fc.constantFrom('a', 'ключ'), fc.constantFrom(1, 'wert', { deep: ['ü'] }), { maxKeys: 2 }),
  }),
  fc.record({
    do: fc.constantFrom('repeat', 'archive', 'remove', 'restore', 'restoreVersion'),
    pick,
  }),
  fc.record({ do: fc.constant('patch' as const), pick, bytes: size, tags: anyTags }),
  fc.record({ do: fc.constant('put' as const), pick, bytes: size }),
  fc.record({ do: fc.constant('batch' as const), sizes: fc.array(size, { minLength: 1, maxLength: 5 }) }),
  fc.record({
    do: fc.constant('bulk' as const),
    action: fc.constantFrom('archive', 'restore', 'delete', 'add_tags', 'remove_tags'),
    tag: fc.constantFrom('a', 'größe', 'new tag'),
    dry_run: fc.boolean(),
  }),
  fc.record({ do: fc.constant('consolidate' as const) }),
);

describe('storage quota', () => {
  it('equals the stored bytes after random operations, sequential or concurrent', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { minLength: 10, maxLength: 40 }),
        fc.integer({ min: 1, max: 6 }),
        async (steps, atOnce) => {
          const user = await node.newUser();
          const ids: string[] = [];
          for (let from = 0; from < steps.length; from += atOnce) {
            await Promise.all(steps.slice(from, from + atOnce).map((one) => take(user, ids, one)));
          }
          await expectQuotaMatches(user);
        },
      ),
      { numRuns: 15 },
    );
  });

  it('equals the stored bytes when the storage limit rejects some operations', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { minLength: 15, maxLength: 40 }),
        fc.integer({ min: 1_000, max: 30_000 }),
        async (steps, limit) => {
          const user = await limitedUser(limit);
          const ids: string[] = [];
          for (let from = 0; from < steps.length; from += 4) {
            await Promise.all(steps.slice(from, from + 4).map((one) => take(user, ids, one, [403])));
            expect((await quotaOf(user)).bytes).toBeLessThanOrEqual(limit);
          }
          await expectQuotaMatches(user);
        },
      ),
      { numRuns: 10 },
    );
  });
});

describe('storage limit', () => {
  it('is exact: of equal concurrent creates those that fit succeed, and the rest are 403 storage_full', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 0, max: 12 }),
        fc.integer({ min: 1, max: 12 }),
        fc.integer({ min: 50, max: 2_000 }),
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        async (fit, more, bytes, spare) => {
          const each = 'title'.length + bytes;
          const user = await limitedUser(fit * each + Math.floor(spare * each));
          const answers = await Promise.all(
            Array.from({ length: fit + more }, () =>
              user.api.post('/memories', { title: 'title', content: textOf(bytes) }),
            ),
          );
          const codes = answers.map(({ status, body }) => (status === 201 ? 201 : [status, body.code].join(' ')));
          expect(codes.filter((code) => code === 201)).toHaveLength(fit);
          expect(codes.filter((code) => code === '403 storage_full')).toHaveLength(more);
          expect(await quotaOf(user)).toEqual({ bytes: fit * each, memories: fit });
          await expectQuotaMatches(user);
        },
      ),
      { numRuns: 25 },
    );
  });

  it('accepts changes that free storage, and rejects growth, when a tenant is above it', async () => {
    const user = await limitedUser(1_000);
    const big = await user.api.post('/memories', { title: 'big', content: textOf(900) });
    const small = await user.api.post('/memories', { title: 'sml', content: textOf(50) });
    await override(user, 500);
    expect((await user.api.post('/memories', { title: 'new', content: textOf(36) })).body.code).toBe('storage_full');
    expect((await user.api.patch(`/memories/${small.body.id}`, { content: textOf(60) })).body.code).toBe(
      'storage_full',
    );
    expect((await user.api.delete(`/memories/${small.body.id}`)).status).toBe(200);
    expect((await user.api.get(`/memories/${big.body.id}`)).status).toBe(200);
    expect((await user.api.delete(`/memories/${big.body.id}?permanent=true`)).status).toBe(200);
    expect((await user.api.post('/memories', { title: 'new', content: textOf(36) })).status).toBe(201);
    await expectQuotaMatches(user);
  });
});

async function take(user: TestUser, ids: string[], one: Step, alsoFine: number[] = []): Promise<void> {
  const id = 'pick' in one && ids.length > 0 ? ids[one.pick % ids.length] : undefined;
  const { api } = user;
  const fine = (status: number, ...expected: number[]) => expect([...expected, ...alsoFine]).toContain(status);
  switch (one.do) {
    case 'create': {
      const body = { title: 'title', content: textOf(one.bytes), tags: one.tags, metadata: one.metadata };
      const made = await api.post('/memories', body);
      fine(made.status, 201);
      if (made.status === 201) ids.push(made.body.id);
      return;
    }
    case 'batch': {
      const memories = one.sizes.map((bytes) => ({ title: 'of a batch', content: textOf(bytes) }));
      const made = await api.post('/memories/batch', { memories });
      expect(made.status).toBe(200);
      ids.push(...made.body.results.flatMap((result: Json) => result.id ?? []));
      return;
    }
    case 'bulk': {
      const filter = { tags: [one.tag], status: 'all' };
      const tags = ['new tag'];
      const { status } = await api.post('/memories/bulk', {
        filter,
        action: one.action,
        dry_run: one.dry_run,
        ...(one.action.endsWith('_tags') && { tags }),
      });
      return fine(status, 200);
    }
    case 'consolidate':
      return fine((await api.post('/consolidate', { min_age_days: 0, dry_run: false })).status, 200);
  }
  if (!id) return;
  switch (one.do) {
    case 'repeat': {
      const { body } = await api.get(`/memories/${id}`);
      if (!body.content) return;
      const again = { title: body.title, content: body.content, tags: ['again'], type: body.type };
      const made = await api.post('/memories', again);
      fine(made.status, 200, 201);
      if (made.status === 201) ids.push(made.body.id);
      return;
    }
    case 'patch':
      return fine(
        (await api.patch(`/memories/${id}`, { content: textOf(one.bytes), add_tags: one.tags })).status,
        200,
        404,
      );
    case 'put':
      return fine((await api.put(`/memories/${id}`, { title: 'put', content: textOf(one.bytes) })).status, 200, 404);
    case 'archive':
      return fine((await api.delete(`/memories/${id}`)).status, 200, 404);
    case 'remove':
      return fine((await api.delete(`/memories/${id}?permanent=true`)).status, 200, 404);
    // 409: its exact duplicate was stored in the meantime.
    case 'restore':
      return fine((await api.post(`/memories/${id}/restore`, {})).status, 200, 404, 409);
    case 'restoreVersion':
      return fine((await api.post(`/memories/${id}/restore`, { version: 1 })).status, 200, 404, 409);
  }
}

async function limitedUser(bytes: number): Promise<TestUser> {
  const user = await node.newUser();
  await override(user, bytes);
  return user;
}

async function override(user: TestUser, bytes: number): Promise<void> {
  const overrides = { requests_per_minute: WIDE, requests_per_day: WIDE, storage_bytes: bytes };
  await node.service.database.ownerWrite((sql) => updateOverrides(sql, user.userId, overrides, new Date()));
  await vi.waitFor(async () => expect((await user.api.get('/user/me')).body.limits.storage_bytes).toBe(bytes));
}

async function quotaOf(user: TestUser): Promise<{ bytes: number; memories: number }> {
  const { rows } = await node.service.database.owner.query(
    'select storage_bytes::int as bytes, memories::int from quotas where user_id = $1',
    [user.userId],
  );
  return rows[0] ?? { bytes: 0, memories: 0 };
}

/** Asserts that the quota is the sum of memories and kept versions: UTF-8 bytes of texts, tags and metadata. */
async function expectQuotaMatches(user: TestUser): Promise<void> {
  const { rows } = await node.service.database.owner.query(
    `select false as version, title, content, tags, metadata, size_bytes from memories where user_id = $1
      union all select true, title, content, tags, metadata, size_bytes from memory_versions where user_id = $1`,
    [user.userId],
  );
  for (const row of rows) {
    const texts = [row.title, row.content, ...row.tags];
    if (Object.keys(row.metadata).length > 0) texts.push(JSON.stringify(row.metadata));
    expect(row.size_bytes).toBe(Buffer.byteLength(texts.join('')));
  }
  const bytes = rows.reduce((sum, row) => sum + row.size_bytes, 0);
  const memories = rows.filter((row) => !row.version).length;
  expect(await quotaOf(user)).toEqual({ bytes, memories });
  const stats = await user.api.get('/stats');
  expect([stats.body.storage.bytes, stats.body.memories.total]).toEqual([bytes, memories]);
}
