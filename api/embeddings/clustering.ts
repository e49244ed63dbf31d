import { setImmediate as yieldNow } from 'node:timers/promises';
import type { Database } from '../../db/client/database.ts';
import {
  assignToClusters,
  type BinaryCodes,
  countBinaryCodes,
  deleteClusters,
  findPreviousClustering,
  insertClusters,
  sampleBinaryCodes,
  withAdvisoryLock,
} from '../../db/queries/search/clusters.ts';
import type { Logger } from '../observability/log.ts';

/** Number of codes from which clusters are used; below it, scanning all codes is faster. */
export const CLUSTERED_FROM = 20_000;
/** Codes are clustered again when their number has grown by this factor. */
const GROWN = 4;
/** When more codes than this are in no cluster, they are assigned to the nearest. */
const FREE_MAX = 1_000;
const MOVED_AT_ONCE = 1_000;
const SAMPLE = 16_384;
const CELLS_MAX = 1_000;
const ROUNDS = 6;
/** The computation yields to the event loop after this time. */
const SLICE_MS = 8;

/**
 * Clusters a tenant's binary codes once there are many (IVF), so that a search scans only the clusters nearest to the
 * query. Codes that are in no cluster are always scanned, so every code stays searchable meanwhile.
 */
export async function updateClusters(
  database: Database,
  codes: BinaryCodes,
  log: Logger,
  signal: AbortSignal,
): Promise<void> {
  const counts = await countBinaryCodes(database.owner, codes);
  const isGrown = counts.codes >= CLUSTERED_FROM && counts.codes >= counts.atClustering * GROWN;
  const needsRepair =
    counts.atClustering > 0 &&
    (counts.unclustered > FREE_MAX || (await findPreviousClustering(database.owner, codes)) > 0);
  if (!isGrown && !needsRepair) return;
  await withAdvisoryLock(database, codes, async () => {
    if (isGrown) await recluster(database, codes, counts.codes, signal);
    const former = await findPreviousClustering(database.owner, codes);
    await moveAll(database, codes, former, signal);
    if (signal.aborted) return;
    await database.ownerWrite((sql) => deleteClusters(sql, codes, former));
    await moveAll(database, codes, former, signal);
    log.info({ user_id: codes.userId, codes: counts.codes }, 'binary codes clustered');
  });
}

async function recluster(database: Database, codes: BinaryCodes, count: number, signal: AbortSignal): Promise<void> {
  const sample = await sampleBinaryCodes(database.owner, codes, SAMPLE);
  const wanted = Math.min(CELLS_MAX, Math.ceil(2 * Math.sqrt(count)));
  const centroids = await findCentroids(sample, wanted, signal);
  if (!signal.aborted) await insertClusters(database.owner, codes, centroids, count);
}

async function moveAll(database: Database, codes: BinaryCodes, former: number, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const moved = await database.ownerWrite((sql) => assignToClusters(sql, codes, former, MOVED_AT_ONCE));
    if (moved === 0) return;
  }
}

/**
 * Computes cluster centroids by k-means over bits: each bit of a centroid is the majority of its cluster, and a code
 * belongs to the centroid with the smallest Hamming distance.
 * @param sample codes as strings of 0 and 1, of equal length, in random order
 */
export async function findCentroids(sample: readonly string[], count: number, signal?: AbortSignal): Promise<string[]> {
  const length = sample[0]?.length ?? 0;
  const words = Math.ceil(length / 32);
  const codes = packAll(sample, words);
  const centroids = packAll(sample.slice(0, count), words);
  const groups = centroids.length / words;
  for (let round = 0; round < ROUNDS && !signal?.aborted; round++) {
    const ones = new Int32Array(groups * length);
    const members = new Int32Array(groups);
    let sliceEnd = performance.now() + SLICE_MS;
    for (let at = 0; at < codes.length; at += words) {
      const nearest = nearestOf(codes, at, centroids, words);
      members[nearest] = (members[nearest] as number) + 1;
      addOnes(ones, nearest * length, codes, at, length);
      if (performance.now() < sliceEnd) continue;
      await yieldNow();
      sliceEnd = performance.now() + SLICE_MS;
    }
    for (let group = 0; group < groups; group++) {
      // An empty cluster keeps its centroid.
      if (members[group])
        setMajorityBits(centroids, group * words, ones, group * length, length, members[group] as number);
    }
  }
  return Array.from({ length: groups }, (_, group) => unpack(centroids, group * words, length));
}

function nearestOf(codes: Uint32Array, at: number, centroids: Uint32Array, words: number): number {
  let nearest = 0;
  let least = Number.POSITIVE_INFINITY;
  for (let centroid = 0; centroid < centroids.length; centroid += words) {
    let distance = 0;
    for (let word = 0; word < words; word++) {
      distance += bitCount((codes[at + word] as number) ^ (centroids[centroid + word] as number));
    }
    if (distance >= least) continue;
    least = distance;
    nearest = centroid / words;
  }
  return nearest;
}

function addOnes(ones: Int32Array, to: number, codes: Uint32Array, at: number, length: number): void {
  for (let bit = 0; bit < length; bit++) {
    ones[to + bit] = (ones[to + bit] as number) + (((codes[at + (bit >> 5)] as number) >>> (bit & 31)) & 1);
  }
}

function setMajorityBits(
  centroids: Uint32Array,
  at: number,
  ones: Int32Array,
  from: number,
  length: number,
  members: number,
): void {
  centroids.fill(0, at, at + Math.ceil(length / 32));
  for (let bit = 0; bit < length; bit++) {
    if ((ones[from + bit] as number) * 2 > members)
      centroids[at + (bit >> 5)] = (centroids[at + (bit >> 5)] as number) | (1 << (bit & 31));
  }
}

/** Counts the set bits of a 32-bit word (Warren, Hacker's Delight, section 5-2). */
function bitCount(word: number): number {
  let bits = word - ((word >>> 1) & 0x55555555);
  bits = (bits & 0x33333333) + ((bits >>> 2) & 0x33333333);
  return (((bits + (bits >>> 4)) & 0x0f0f0f0f) * 0x01010101) >>> 24;
}

function packAll(codes: readonly string[], words: number): Uint32Array {
  const packed = new Uint32Array(codes.length * words);
  for (const [row, code] of codes.entries()) {
    for (let bit = 0; bit < code.length; bit++) {
      const word = row * words + (bit >> 5);
      if (code[bit] === '1') packed[word] = (packed[word] as number) | (1 << (bit & 31));
    }
  }
  return packed;
}

function unpack(packed: Uint32Array, at: number, length: number): string {
  let code = '';
  for (let bit = 0; bit < length; bit++) code += ((packed[at + (bit >> 5)] as number) >>> (bit & 31)) & 1 ? '1' : '0';
  return code;
}
