import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { longestWord, type Measured, measure } from '../../scripts/bench/peers/measure.ts';
import { HITS, idsIn, type Peer, storeAtOnce } from '../../scripts/bench/peers/peer.ts';
import { report } from '../../scripts/bench/peers/report.ts';
import { type PeerNote, readTexts } from '../../scripts/bench/peers/texts.ts';

interface Faults {
  /** Every second of the stores at once is acknowledged and lost. */
  losesTogether?: boolean;
  /** Notes of which the text begins like that of another replace it. */
  merges?: boolean;
  /** Filling never ends. */
  hangs?: boolean;
}

/** A memory in this process that finds notes that hold every word of a query. */
function memoryWith({ losesTogether, merges, hangs }: Faults = {}): Peer {
  const notes = new Map<string, PeerNote>();
  const put = (note: PeerNote) => notes.set(merges ? note.text.slice(0, 4) : note.id, note);
  const store = async (note: PeerNote) => void put(note);
  const all = () => [...notes.values()];
  return {
    name: 'a memory',
    fill: async (added) => (hangs ? new Promise(() => {}) : added.forEach(put)),
    store,
    storeTogether: (added) =>
      storeAtOnce(added, async (note) => {
        if (!losesTogether || Number(note.id.slice(1)) % 2 === 0) put(note);
      }),
    async search(query) {
      const words = query.toLowerCase().split(/\W+/).filter(Boolean);
      const holds = ({ title, text }: PeerNote) =>
        words.every((word) => `${title} ${text}`.toLowerCase().includes(word));
      return all()
        .filter(holds)
        .slice(0, HITS)
        .map(({ id }) => id);
    },
    keeps: async (added) => added.map(({ id }) => id).filter((id) => all().some((note) => note.id === id)),
    close: async () => undefined,
  };
}

const texts = {
  note: (index: number): PeerNote => ({
    id: `n${String(index).padStart(6, '0')}`,
    title: 'Note',
    text: `word${index} here`,
  }),
  questions: [
    { query: 'word3', gold: new Set(['n000003']) },
    { query: 'why is word4', gold: new Set(['n000004']) },
  ],
};

const run = (faults?: Faults, seconds = 10) => measure(memoryWith(faults), [10, 20], texts, seconds, () => undefined);

describe('measure', () => {
  it('fills a memory to each size, and counts what its searches find', async () => {
    const { sizes, first, together, stopped } = await run();
    expect(sizes.map(({ size, recall, recallByWord }) => [size, recall, recallByWord])).toEqual([
      [10, 50, 100],
      [20, 50, 100],
    ]);
    expect(first).toEqual({ stored: 10, kept: 10 });
    expect(together).toEqual({ acknowledged: 50, kept: 50 });
    expect(stopped).toBeUndefined();
  });

  it('counts stores that were acknowledged and lost', async () => {
    expect((await run({ losesTogether: true })).together).toEqual({ acknowledged: 50, kept: 25 });
    expect((await run({ merges: true })).first).toEqual({ stored: 10, kept: 1 });
  });

  it('ends where filling takes too long', async () => {
    const { sizes, stopped } = await run({ hangs: true }, 0.05);
    expect([sizes, stopped]).toEqual([[], { size: 10, seconds: 0.05 }]);
  });
});

describe('report', () => {
  it('has a row for each size, the one that was not reached, and the losses', () => {
    const latency = { p50: 1.23, p95: 45.6 };
    const one: Measured = {
      name: 'a memory',
      sizes: [{ size: 1_000, fillSeconds: 2, store: latency, search: latency, recall: 50, recallByWord: 100 }],
      stopped: { size: 10_000, seconds: 150 },
      first: { stored: 100, kept: 90 },
      together: { acknowledged: 50, kept: 1 },
      load: 0.25,
    };
    expect(report([one], 89, 2)).toMatchInlineSnapshot(`
      "| memory | memories | s to fill | store p50 / p95, ms | search p50 / p95, ms | R@10 of 89 questions | R@10 by the longest word |
      |---|---|---|---|---|---|---|
      | a memory | 1,000 | 2.0 | 1.2 / 46 | 1.2 / 46 | 50.0 | 100.0 |
      | a memory | 10,000 | more than 150 | – | – | – | – |

      | memory | lost of the first notes | lost of 50 stores at once | load on 2 cores |
      |---|---|---|---|
      | a memory | 10 of 100 | 49 of 50 | 0.3 |"
    `);
  });
});

describe('texts', () => {
  it('are the same in every run, each with an id of its own, and the questions are about the first hundred', async () => {
    const [one, other] = await Promise.all([readTexts(), readTexts()]);
    const notes = Array.from({ length: 2_000 }, (_, index) => one.note(index));
    expect(new Set(notes.map(({ id }) => id)).size).toBe(2_000);
    expect(new Set(notes.map(({ text }) => text)).size).toBe(2_000);
    expect(other.note(1_999)).toEqual(notes[1_999]);
    const asked = new Set(notes.slice(0, 100).map(({ id }) => id));
    expect(one.questions.length).toBeGreaterThan(50);
    for (const { gold } of one.questions) expect([...gold].every((id) => asked.has(id))).toBe(true);
  });

  it('are named by their ids in responses', () => {
    expect(idsIn('{"name":"n000012 Deploy"}, n000003 and n000012')).toEqual(['n000012', 'n000003']);
    expect(longestWord('Why do we use pg-boss?')).toBe('pg-boss');
  });
});

describe('packages of other memories', () => {
  it('have exact versions, and none is a package of the product', () => {
    const read = (path: string) => JSON.parse(readFileSync(join(import.meta.dirname, '../..', path), 'utf8'));
    const peers = Object.entries<string>(read('scripts/bench/peers/package.json').dependencies);
    const { dependencies, devDependencies } = read('package.json');
    for (const [name, version] of peers) {
      expect(version).toMatch(/^\d+\.\d+\.\d+$/);
      expect({ ...dependencies, ...devDependencies }).not.toHaveProperty([name]);
    }
  });
});
