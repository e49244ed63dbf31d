import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { METADATA_FILTER, pathKeys } from '../../api/contracts/metadata-filter.ts';
import type { Json } from '../support/client.ts';
import { startTestService, type TestService, type TestUser } from '../support/service.ts';

/*
 * Conditions on random metadata, compared with a model in JavaScript.
 */

let node: TestService;
let user: TestUser;
let stored: { id: string; metadata: Json }[];

const key = fc.constantFrom('a', 'b', 'a.b', "'", '0');
const scalar = fc.constantFrom(null, true, false, 0, 1, 1.5, -2, '', 'a', 'B', 'ä', '2026-01-02', '1');
const value = fc.letrec<{ value: Json; object: Json }>((tie) => ({
  value: fc.oneof({ depthSize: 'small' }, scalar, fc.array(scalar, { maxLength: 3 }), tie('object')),
  object: fc.dictionary(key, tie('value'), { maxKeys: 3 }),
}));
const path = fc.array(key, { minLength: 1, maxLength: 3 });
const bound = scalar.filter((one) => typeof one === 'string' || typeof one === 'number');
const comparisons = fc.oneof(
  fc.record({ eq: scalar }),
  fc.record({ in: fc.array(scalar, { minLength: 1, maxLength: 4 }) }),
  fc.record({ exists: fc.boolean() }),
  fc.record({ gte: bound, lt: bound }, { requiredKeys: ['gte'] }),
  fc.record({ gt: bound, lte: bound }, { requiredKeys: ['lte'] }),
);

const written = (keys: readonly string[]) => keys.map((name) => name.replace(/[\\.]/g, '\\$&')).join('.');

/** Reads the value at a path as PostgreSQL does: a number selects an element of an array. */
function valueAt(metadata: Json, keys: readonly string[]): Json {
  let current = metadata;
  for (const name of keys) {
    if (typeof current !== 'object' || current === null) return undefined;
    if (Array.isArray(current) && !/^\d+$/.test(name)) return undefined;
    current = Object.hasOwn(current, name) ? current[name] : undefined;
  }
  return current;
}

function holds(found: Json, condition: Json): boolean {
  const isOneOf = (choices: Json[]) =>
    choices.includes(found) || (Array.isArray(found) && found.some((one) => choices.includes(one)));
  const compared = (limit: Json, test: (order: number) => boolean) => {
    if (typeof found !== typeof limit) return false;
    const order = typeof found === 'number' ? found - limit : Buffer.compare(Buffer.from(found), Buffer.from(limit));
    return test(order);
  };
  return (
    (condition.eq === undefined || isOneOf([condition.eq])) &&
    (condition.in === undefined || isOneOf(condition.in)) &&
    (condition.exists === undefined || condition.exists === (found !== undefined)) &&
    (condition.gt === undefined || compared(condition.gt, (order) => order > 0)) &&
    (condition.gte === undefined || compared(condition.gte, (order) => order >= 0)) &&
    (condition.lt === undefined || compared(condition.lt, (order) => order < 0)) &&
    (condition.lte === undefined || compared(condition.lte, (order) => order <= 0))
  );
}

beforeAll(async () => {
  node = await startTestService();
  user = await node.newUser();
  const all = fc.sample(
    value.object.filter((one) => JSON.stringify(one).length < 2_000),
    { numRuns: 100, seed: 20261129 },
  );
  const memories = all.map((metadata, n) => ({ title: `m${n}`, content: 'subject of filters', metadata }));
  const { body } = await user.api.post('/memories/batch', { memories });
  stored = body.results.map(({ id }: Json, n: number) => ({ id, metadata: all[n] }));
});
afterAll(() => node.stop());

describe('metadata filter', () => {
  it('selects in a list, a search and a bulk change what the model selects', async () => {
    const condition = fc.tuple(path, comparisons).map(([keys, operators]) => ({ path: written(keys), ...operators }));
    await fc.assert(
      fc.asyncProperty(fc.array(condition, { minLength: 1, maxLength: 2 }), async (metadata) => {
        const matches = stored.filter((memory) =>
          metadata.every((one) => holds(valueAt(memory.metadata, pathKeys(one.path)), one)),
        );
        const expected = matches.map(({ id }) => id).sort();
        const idsOf = ({ body }: Json) => body.results.map(({ id }: Json) => id).sort();
        const query = new URLSearchParams({ metadata: JSON.stringify(metadata), limit: '200' });
        expect(idsOf(await user.api.get(`/memories?${query}`))).toEqual(expected);
        const filter = { metadata };
        const bulk = await user.api.post('/memories/bulk', { filter, action: 'archive' });
        expect(bulk.body.changed?.toSorted()).toEqual(expected);
        const search = await user.api.post('/search', { query: 'subject of filters', limit: 200, metadata });
        expect(idsOf(search)).toEqual(expected);
      }),
      { numRuns: 60 },
    );
  });

  it('bounds conditions, keys and values, and rejects conditions without a comparison', async () => {
    const list = async (metadata: unknown) => {
      const { status, body } = await user.api.post('/search', { query: 'x', metadata });
      return [status, body.errors?.[0].path];
    };
    const condition = { path: 'a', eq: 1 };
    expect(await list(Array(METADATA_FILTER.conditions + 1).fill(condition))).toEqual([422, 'metadata']);
    expect(
      await list([
        {
          path: Array(METADATA_FILTER.pathKeys + 1)
            .fill('a')
            .join('.'),
          eq: 1,
        },
      ]),
    ).toEqual([422, 'metadata.0.path']);
    expect(await list([{ path: 'a', in: Array(METADATA_FILTER.values + 1).fill(1) }])).toEqual([422, 'metadata.0.in']);
    expect(await list([{ path: 'a' }])).toEqual([422, 'metadata.0']);
    expect(await list([{ path: 'a', equals: 1 }])).toEqual([400, 'metadata.0.equals']);
  });

  it('of a bulk change must have a condition', async () => {
    const { status } = await user.api.post('/memories/bulk', { filter: { metadata: [] }, action: 'delete' });
    expect(status).toBe(422);
  });

  it('bounds a context package', async () => {
    const marked = await user.api.post('/memories', {
      title: 'Marked',
      content: 'for context',
      metadata: { only: 'me' },
    });
    const { body } = await user.api.post('/context', { metadata: [{ path: 'only', eq: 'me' }] });
    expect(body.memory_ids).toEqual([marked.body.id]);
  });
});
