import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CLUSTERED_FROM, findCentroids, updateClusters } from '../../../api/embeddings/clustering.ts';
import { createLog } from '../../../api/observability/log.ts';
import type { Database } from '../../../db/client/database.ts';
import { whereMemories } from '../../../db/queries/memories/filters.ts';
import { countBinaryCodes, findPreviousClustering, insertClusters } from '../../../db/queries/search/clusters.ts';
import { toBinaryCode } from '../../../db/queries/search/vector-encoding.ts';
import { findNearest, replaceVectors } from '../../../db/queries/search/vectors.ts';
import { startTestService, type TestService } from '../../support/service.ts';
import { findInNearClusters } from '../../support/vectors.ts';

const MODEL = 'test';
const LENGTH = 384;
const DIRECTIONS = 64;
const TOPICS = 400;
const NEAREST = 100;
const log = createLog({ level: 'silent', pretty: false });

let node: TestService;
let database: Database;
let userId: string;
let draw: () => Float32Array;

beforeAll(async () => {
  node = await startTestService();
  database = node.service.database;
  ({ userId } = await node.newUser());
  draw = drawer(11);
  await fill(CLUSTERED_FROM + 1_000);
});
afterAll(() => node.stop());

const codes = () => ({ userId, model: MODEL });
const tend = (signal = new AbortController().signal) => updateClusters(database, codes(), log, signal);
const never = new AbortController().signal;

describe('clusters of binary codes', () => {
  it('hold 97 % of the nearest codes in the quarter of them that is scanned', async () => {
    const questions = Array.from({ length: 30 }, () => toBinaryCode(draw()));
    const exact = await Promise.all(questions.map(nearestOfAll));
    await tend();
    expect(await countBinaryCodes(database.owner, codes())).toMatchObject({
      unclustered: 0,
      atClustering: CLUSTERED_FROM + 1_000,
    });
    let shared = 0;
    for (const [index, question] of questions.entries()) {
      const near = new Set(await findInNearClusters(database.owner, userId, MODEL, question, NEAREST));
      shared += exact[index]?.filter((id) => near.has(id)).length ?? 0;
    }
    expect(shared / (questions.length * NEAREST)).toBeGreaterThanOrEqual(0.97);
    // All codes are scanned thirty times, which takes long on a busy machine.
  }, 90_000);

  it('are the only ones that a search reads', async () => {
    const { rows } = await database.owner.query(
      `select count(*)::int as codes from memory_codes where user_id = $1 and cell in (
        select cell from memory_cells where user_id = $1 order by bit_count(code # $2::varbit), cell
        limit (select ceil(sqrt(count(*)) * 4) from memory_cells where user_id = $1))`,
      [userId, toBinaryCode(draw())],
    );
    expect(rows[0].codes).toBeGreaterThan(CLUSTERED_FROM * 0.1);
    expect(rows[0].codes).toBeLessThan(CLUSTERED_FROM * 0.4);
  });

  it('take up codes that are stored later, each in the nearest cluster', async () => {
    const vector = draw();
    const [id] = await insertMemories(1);
    await replaceVectors(database.owner, userId, id as string, MODEL, [
      { chunk: 0, start: 0, end: 1, vector, tokens: new Uint8Array() },
    ]);
    const { rows } = await database.owner.query('select cell from memory_codes where memory_id = $1', [id]);
    expect(rows[0].cell).toBeGreaterThan(0);
    const found = await findInNearClusters(database.owner, userId, MODEL, toBinaryCode(vector), 1);
    expect(found).toEqual([id]);
  });

  it('do not hide codes that are in no cluster: these are always scanned', async () => {
    const { rows } = await database.owner.query(
      `select memory_id, code::text, cell from memory_codes where user_id = $1 order by memory_id limit 1`,
      [userId],
    );
    await database.owner.query('delete from memory_cells where user_id = $1 and cell = $2', [userId, rows[0].cell]);
    expect((await countBinaryCodes(database.owner, codes())).unclustered).toBeGreaterThan(0);
    const opposite = [...rows[0].code].map((bit) => (bit === '1' ? '0' : '1')).join('');
    const found = await findInNearClusters(database.owner, userId, MODEL, opposite, 1_000_000);
    expect(found).toContain(rows[0].memory_id);
  });

  it('that hold few codes do not hide others from a search that needs more', async () => {
    const sparse = await node.newUser();
    const ones = (count: number) => `${'1'.repeat(count)}${'0'.repeat(LENGTH - count)}`;
    const centroids = Array.from({ length: 100 }, (_, index) => ones(index < 60 ? LENGTH - index : index - 60));
    await insertClusters(database.owner, { userId: sparse.userId, model: MODEL }, centroids, 1);
    const ids = await insertMemories(4, sparse.userId);
    const vectorOf = (sign: number) => new Float32Array(LENGTH).fill(sign / Math.sqrt(LENGTH));
    for (const [index, id] of ids.entries()) {
      await replaceVectors(database.owner, sparse.userId, id, MODEL, [
        { chunk: 0, start: 0, end: 1, vector: vectorOf(index === 0 ? 1 : -1), tokens: new Uint8Array() },
      ]);
    }
    const where = () => whereMemories(sparse.userId, {});
    const found = await findNearest(database.read(sparse.userId), where, MODEL, vectorOf(1), 10);
    expect(found[0]).toBe(ids[0]);
    expect(found.toSorted()).toEqual(ids.toSorted());
  });

  it('are computed again when the codes have quadrupled, even if a process stops meanwhile', async () => {
    await database.owner.query('update memory_cells set codes_when_cut = 100 where user_id = $1', [userId]);
    const before = await lastCell();
    const stopping = new AbortController();
    let moves = 0;
    const stopped: Database = {
      ...database,
      ownerWrite: (work) => {
        if (++moves === 3) stopping.abort();
        return database.ownerWrite(work);
      },
    };
    await updateClusters(stopped, codes(), log, stopping.signal);
    expect(await findPreviousClustering(database.owner, codes())).toBe(before);
    // Nothing is out of reach meanwhile: both cuts are searched.
    const { rows } = await database.owner.query(
      'select count(*) filter (where cell <= $2)::int as old, count(*) filter (where cell > $2)::int as new from memory_codes where user_id = $1',
      [userId, before],
    );
    expect([rows[0].old > 0, rows[0].new > 0]).toEqual([true, true]);
    await tend();
    expect(await findPreviousClustering(database.owner, codes())).toBe(0);
    expect((await countBinaryCodes(database.owner, codes())).unclustered).toBe(0);
    const { rows: left } = await database.owner.query(
      'select count(*)::int as n from memory_cells where user_id = $1 and cell <= $2',
      [userId, before],
    );
    expect(left[0].n).toBe(0);
  });

  it('are computed by one process at a time, and only when needed', async () => {
    const before = await lastCell();
    await Promise.all([tend(), tend(), tend()]);
    expect(await lastCell()).toBe(before);
    await database.owner.query('update memory_cells set codes_when_cut = 100 where user_id = $1', [userId]);
    await Promise.all([tend(), tend()]);
    const { rows } = await database.owner.query(
      'select count(distinct codes_when_cut)::int as cuts from memory_cells where user_id = $1',
      [userId],
    );
    expect(rows[0].cuts).toBe(1);
  });
});

describe('cluster centroids', () => {
  it('have the bits of most codes of their group', async () => {
    const group = (bits: string, n: number) => Array.from({ length: n }, (_, i) => flip(bits, i % bits.length));
    const [a, b] = ['0'.repeat(40), '1'.repeat(40)];
    const sample = [a, b, ...group(a, 40), ...group(b, 40)];
    expect((await findCentroids(sample, 2, never)).toSorted()).toEqual([a, b]);
  });

  it('are at most as many as there are codes', async () => {
    expect(await findCentroids(['01', '10'], 5, never)).toHaveLength(2);
    expect(await findCentroids([], 5, never)).toEqual([]);
  });
});

function flip(bits: string, at: number): string {
  return `${bits.slice(0, at)}${bits[at] === '1' ? '0' : '1'}${bits.slice(at + 1)}`;
}

async function lastCell(): Promise<number> {
  const { rows } = await database.owner.query('select max(cell) as last from memory_cells where user_id = $1', [
    userId,
  ]);
  return rows[0].last;
}

async function nearestOfAll(code: string): Promise<string[]> {
  const { rows } = await database.owner.query(
    'select memory_id from memory_codes where user_id = $1 order by bit_count(code # $2::varbit), memory_id limit $3',
    [userId, code, NEAREST],
  );
  return rows.map((row: { memory_id: string }) => row.memory_id);
}

async function insertMemories(count: number, owner = userId): Promise<string[]> {
  const ids = Array.from({ length: count }, () => randomUUID());
  await database.owner.query(
    `insert into memories (user_id, id, type, status, title, content, content_hash, size_bytes, created_at, updated_at)
      select $1, id, 'long_term', 'active', '', '', uuid_send(id), 0, now(), now() from unnest($2::uuid[]) id`,
    [owner, ids],
  );
  return ids;
}

async function fill(count: number): Promise<void> {
  const ids = await insertMemories(count);
  await database.owner.query(
    `insert into memory_codes (user_id, model, memory_id, chunk, code)
      select $1, $2, id, 0, code::varbit from unnest($3::uuid[], $4::text[]) as c (id, code)`,
    [userId, MODEL, ids, ids.map(() => toBinaryCode(draw()))],
  );
}

/**
 * Draws vectors around topics whose variance lies in few directions, as that of sentences does: on 42,000 passages of public texts
 * a quarter of the cells holds 98 % of the nearest, on these as many.
 */
function drawer(seed: number): () => Float32Array {
  let state = seed;
  // Mulberry32: small, and of a long enough period, which a linear congruence in doubles is not.
  const uniform = () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296 || 1e-9;
  };
  const normal = () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
  const hidden = () => Float32Array.from({ length: DIRECTIONS }, (_, i) => normal() * (i + 1) ** -0.25);
  const spread = Array.from({ length: LENGTH }, () => Float32Array.from({ length: DIRECTIONS }, normal));
  const topics = Array.from({ length: TOPICS }, hidden);
  return () => {
    const topic = topics[Math.floor(uniform() * TOPICS)] as Float32Array;
    const place = hidden().map((number, i) => 0.3 * number + 0.7 * (topic[i] as number));
    return Float32Array.from(spread, (row) => row.reduce((sum, weight, i) => sum + weight * (place[i] as number), 0));
  };
}
