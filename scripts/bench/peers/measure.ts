import { loadavg } from 'node:os';
import { percentile } from '../../eval/score.ts';
import { HITS, type Peer } from './peer.ts';
import type { PeerNote, PeerQuestion } from './texts.ts';

/** Single stores that are timed at each size. */
const STORES = 50;
/** Stores at once. */
const WRITERS = 50;
/** Numbers of notes that are stored beside those of a size, far behind the last size. */
const BESIDE = 900_000;

const NONE = { stored: 0, kept: 0 };

export interface Latency {
  p50: number;
  p95: number;
}

/** Figures of a peer with a number of memories. */
export interface Figures {
  size: number;
  fillSeconds: number;
  store: Latency;
  search: Latency;
  /** Share of the questions' notes among the first ten, in percent, asked by the whole question and by its longest word. */
  recall: number;
  recallByWord: number;
}

/** Everything measured of a peer. */
export interface Measured {
  name: string;
  sizes: Figures[];
  /** The size that it did not reach, and how many seconds it had. */
  stopped?: { size: number; seconds: number } | undefined;
  /** Notes of the first size that it still has after they were stored, of how many. */
  first: { stored: number; kept: number };
  /** Acknowledged stores of {@link WRITERS} at once, and how many of them are kept. */
  together: { acknowledged: number; kept: number };
  /** Load average of the last minute: above the number of cores, latencies are those of a busy machine. */
  load: number;
}

/** Fills a peer to each size and measures it there. Ends at the first size that takes longer than `seconds` to fill. */
export async function measure(
  peer: Peer,
  sizes: readonly number[],
  texts: { note(index: number): PeerNote; questions: readonly PeerQuestion[] },
  seconds: number,
  progress: (line: string) => void,
): Promise<Measured> {
  const { note, questions } = texts;
  const notes = (from: number, count: number) => Array.from({ length: count }, (_, index) => note(from + index));
  const figures: Figures[] = [];
  let filled = 0;
  let beside = BESIDE;
  let stopped: Measured['stopped'];
  let together: Measured['together'] | undefined;
  let first: Measured['first'] | undefined;
  for (const size of sizes) {
    progress(`${peer.name}: filling to ${size}`);
    const started = performance.now();
    if (!(await fillInTime(peer, notes(filled, size - filled), seconds))) {
      stopped = { size, seconds };
      break;
    }
    const fillSeconds = (performance.now() - started) / 1_000;
    filled = size;
    progress(`${peer.name}: measuring at ${size}`);
    first ??= { stored: size, kept: (await peer.keeps(notes(0, size))).length };
    const store = await times(notes(beside, STORES), (one) => peer.store(one));
    beside += STORES;
    const found = new Map<PeerQuestion, string[]>();
    const search = await times(questions, async (question) => found.set(question, await peer.search(question.query)));
    const recall = meanRecall(questions, (question) => found.get(question) ?? []);
    const byWord = new Map<PeerQuestion, string[]>();
    for (const question of questions) byWord.set(question, await peer.search(longestWord(question.query)));
    const recallByWord = meanRecall(questions, (question) => byWord.get(question) ?? []);
    figures.push({ size, fillSeconds, store: latency(store), search: latency(search), recall, recallByWord });
    if (together) continue;
    const written = notes(beside, WRITERS);
    beside += WRITERS;
    const acknowledged = new Set(await peer.storeTogether(written));
    const kept = (await peer.keeps(written)).filter((id) => acknowledged.has(id)).length;
    together = { acknowledged: acknowledged.size, kept };
  }
  return {
    name: peer.name,
    sizes: figures,
    stopped,
    first: first ?? NONE,
    together: together ?? { acknowledged: 0, kept: 0 },
    load: loadavg()[0] ?? 0,
  };
}

/** Fills a peer. Returns whether it was done in time; one that is not is of no more use. */
async function fillInTime(peer: Peer, notes: readonly PeerNote[], seconds: number): Promise<boolean> {
  const limit = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(() => {
      limit.abort();
      resolve(false);
    }, seconds * 1_000);
  });
  const filling = peer.fill(notes, limit.signal).then(
    () => true as const,
    (error: unknown) => {
      if (limit.signal.aborted) return false as const;
      throw error;
    },
  );
  try {
    return await Promise.race([filling, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Runs `act` for each input in sequence. Returns the milliseconds of each. */
async function times<T>(inputs: readonly T[], act: (input: T) => Promise<unknown>): Promise<number[]> {
  const taken: number[] = [];
  for (const input of inputs) {
    const started = performance.now();
    await act(input);
    taken.push(performance.now() - started);
  }
  return taken;
}

function latency(taken: readonly number[]): Latency {
  return { p50: percentile(taken, 0.5), p95: percentile(taken, 0.95) };
}

function meanRecall(questions: readonly PeerQuestion[], found: (question: PeerQuestion) => string[]): number {
  const shares = questions.map((question) => {
    const hits = found(question).slice(0, HITS);
    return hits.filter((id) => question.gold.has(id)).length / question.gold.size;
  });
  return (100 * shares.reduce((sum, share) => sum + share, 0)) / Math.max(1, shares.length);
}

/** Returns the longest word of a question, as an agent shortens one that finds nothing. */
export function longestWord(query: string): string {
  return (query.match(/[\p{L}\p{N}_-]+/gu) ?? [query]).reduce((a, b) => (b.length > a.length ? b : a));
}
