import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { idsOf, search, storeAll, storeMany, untilEmbedded } from '../../support/retrieval.ts';
import { startTestService, type TestService } from '../../support/service.ts';

/** A memory, and a query for it that shares no word with it. */
const PAIRS = [
  ['The automobile is parked behind the building.', 'where did I leave my vehicle'],
  ['My dog likes to chase squirrels in the park.', 'which canine hunts rodents outdoors'],
  ['The invoice must be paid by Friday.', 'when do I have to settle the bill'],
  ['A physician examined the injured child.', 'doctor treats kid'],
  ['We ate pasta with tomato sauce.', 'which Italian food was for dinner'],
] as const;

let node: TestService;

beforeAll(async () => {
  // The order of events is tested, not the speed of the machine: the deadline is far.
  node = await startTestService({ embedder: 'local', embedNowDeadlineMs: 20_000 });
  await untilEmbedded((await node.newUser()).api);
});
afterAll(() => node.stop());

const note = (content: string) => ({ title: 'Note', content });
const manyNotes = (ticket = 0) =>
  Array.from({ length: 100 }, (_, n) => note(`Ticket ${ticket}: the office chairs of floor ${n} arrive in week ${n}.`));

describe('search after a create', () => {
  // First: what the other tests import is new, and embedded before what is embedded again.
  it('embeds the two turns after one again when that changes or is deleted for good', async () => {
    const { api, userId } = await node.newUser();
    const turn = (content: string, minute: number) => ({
      content,
      session_id: 'call',
      occurred_at: `2026-01-01T12:0${minute}:00Z`,
    });
    const ids = await storeAll(api, [
      turn('Shall we buy the violin?', 0),
      turn('Yes, tomorrow.', 1),
      turn('Good, at nine.', 2),
      turn('See you there.', 3),
    ]);
    const vectors = async () => {
      await untilEmbedded(api);
      const { rows } = await node.service.database.owner.query<{ memory_id: string; vector: string }>(
        'select memory_id, vector_int8::text as vector from memory_vectors where user_id = $1',
        [userId],
      );
      return new Map(rows.map(({ memory_id, vector }) => [memory_id, vector]));
    };
    const changed = async (act: () => Promise<unknown>) => {
      const before = await vectors();
      await act();
      await vi.waitFor(async () => {
        const { rows } = await node.service.database.owner.query('select from embedding_queue where user_id = $1', [
          userId,
        ]);
        expect(rows).toEqual([]);
      }, 20_000);
      const after = await vectors();
      return ids.map((id) => before.get(id) !== after.get(id));
    };
    await vectors();
    expect(await changed(() => api.patch(`/memories/${ids[0]}`, { content: 'Shall we rent a car?' }))).toEqual([
      true,
      true,
      true,
      false,
    ]);
    expect(await changed(() => api.patch(`/memories/${ids[0]}`, { tags: ['car'] }))).toEqual([
      false,
      false,
      false,
      false,
    ]);
    const between = { ...turn('In the old town.', 0), occurred_at: '2026-01-01T12:00:30Z' };
    expect(await changed(() => api.post('/memories', between))).toEqual([false, true, true, false]);
    const later = { occurred_at: '2026-01-01T12:09:00Z' };
    expect(await changed(() => api.patch(`/memories/${ids[0]}`, later))).toEqual([true, true, false, false]);
    expect(await changed(() => api.delete(`/memories/${ids[1]}?permanent=true`))).toEqual([false, true, true, true]);
  });

  it('finds each of 100 memories by its meaning in the next call, while another tenant imports', async () => {
    const { api: importer } = await node.newUser();
    let importing = true;
    const imports = (async () => {
      for (let calls = 0; importing && calls < 50; calls++) await storeMany(importer, manyNotes(calls));
    })();
    try {
      for (let round = 0; round < 100; round++) {
        const [content, query] = PAIRS[round % PAIRS.length] as (typeof PAIRS)[number];
        const { api } = await node.newUser();
        const [, id] = await storeAll(api, [note('The printer is on the second floor.'), note(content)]);
        const found = await search(api, query);
        expect(idsOf(found)[0], `round ${round}: ${query}`).toBe(id);
        expect(found).not.toHaveProperty('embedding_pending');
      }
    } finally {
      importing = false;
      await imports;
    }
  }, 180_000);

  it('finds the new text of a memory by its meaning right after an update', async () => {
    const { api } = await node.newUser();
    const [content, query] = PAIRS[0];
    const [id] = await storeAll(api, [
      note('We ate pasta with tomato sauce.'),
      note('The printer is on the second floor.'),
    ]);
    await search(api, query);
    await api.patch(`/memories/${id}`, { content });
    expect(idsOf(await search(api, query))[0]).toBe(id);
  });

  it('finds the newest memory by its meaning, and reports that older ones of an import are pending', async () => {
    const { api } = await node.newUser();
    await storeMany(api, manyNotes());
    const [id] = await storeAll(api, [note(PAIRS[0][0])]);
    const found = await search(api, PAIRS[0][1]);
    expect(idsOf(found)[0]).toBe(id);
    expect(found.embedding_pending).toBe(true);
    await untilEmbedded(api);
    expect(await search(api, PAIRS[0][1])).not.toHaveProperty('embedding_pending');
  }, 60_000);

  it('does not wait for a long text, and reports that it is pending', async () => {
    const { api } = await node.newUser();
    const long = note('The automobile is parked behind the building. '.repeat(1_000));
    await storeAll(api, [long]);
    expect((await search(api, 'automobile')).embedding_pending).toBe(true);
    expect((await api.post('/context', { query: 'automobile' })).body.embedding_pending).toBe(true);
  });

  it('returns what it finds by words when the deadline passes, and reports what is pending', async () => {
    const hurried = await startTestService({ embedder: 'local', embedNowDeadlineMs: 0 });
    try {
      const { api } = await hurried.newUser();
      await untilEmbedded(api);
      await storeAll(api, [note(PAIRS[0][0])]);
      const found = await search(api, 'automobile');
      expect(found.results).toHaveLength(1);
      expect(found.embedding_pending).toBe(true);
      await untilEmbedded(api);
      expect(idsOf(await search(api, PAIRS[0][1]))).toEqual(idsOf(found));
    } finally {
      await hurried.stop();
    }
  });
});
