import { type MemoryFilter, whereMemories } from '../../db/queries/memories/filters.ts';
import { findRankingAttributes, type RankingAttributes } from '../../db/queries/search/ranking-attributes.ts';
import { type AdjacentMemory, findAdjacentMemories } from '../../db/queries/search/session-context.ts';
import type { Caller, RequestContext } from '../context.ts';
import type { Embedders } from '../embeddings/embedder.ts';
import { textOf } from '../embeddings/indexer.ts';
import { DAY_MS } from '../time.ts';
import { type LexicalQuery, type LexicalResult, prepare, rankLexical, scoreLexical } from './lexical.ts';
import { isNarrowed, parseQuestion, plainQuestion, type Question } from './query-parser.ts';
import { fuse, type Parts, WEIGHTS } from './score-fusion.ts';
import { findByMeaning, type Meaning, measureNearness, type SemanticState } from './semantic.ts';

/** Candidates from each half; then every candidate is scored on both. */
const CANDIDATES = 100;
const CANDIDATES_BY_WORDS_ALONE = 200;
/** Best lexical candidates whose neighbours are looked at. */
const WITH_NEIGHBOURS = 50;
/** Below this nothing fits well: at most one answerable question in twenty, most of the others (`npm run eval`). */
const WEAK_BELOW = 0.155;
/** The same where words alone are scored, which tell less: one in ten of the answerable, two thirds of the others. */
const WEAK_BELOW_BY_WORDS = 0.08;
const RECENT_MS = 30 * DAY_MS;

export interface Found {
  id: string;
  score: number;
  parts: Parts;
  /** The passage that means most what was asked. */
  passage: { start: number; end: number } | undefined;
}

/** Which parts of a search ran, and what keeps the others. */
export interface Ran {
  lexical: 'ok';
  semantic: SemanticState;
}

export interface Finding {
  /** Best first. */
  ranked: Found[];
  query: LexicalQuery;
  /** Memories that hold a word of the question, and whether there may be more. */
  matching: { count: number; complete: boolean };
  /** True when the question's operators left nothing and were taken for words. */
  relaxed: boolean;
  /** True when there are results and none fits well. */
  weak: boolean;
  /** True when some newly written memories could not be compared by meaning: their vectors are not stored yet. */
  pending: boolean;
  ran: Ran;
}

/** Finds what fits a question: by its words and by its meaning, both scored for every candidate of either. */
export async function find(
  context: RequestContext,
  caller: Caller,
  embedders: Embedders,
  narrowed: MemoryFilter,
  text: string,
  withPriors = true,
): Promise<Finding> {
  const filter: MemoryFilter = { passages: 'own_type', ...narrowed };
  const [{ query, lexical, relaxed, turns }, { questions, ran, nearest, pending }] = await Promise.all([
    findByWords(context, caller, filter, text),
    findByMeaning(context, caller, embedders, () => whereMemories(caller.userId, filter), text, CANDIDATES),
  ]);
  const hits = [...lexical.hits.keys()].slice(0, questions.length > 0 ? CANDIDATES : CANDIDATES_BY_WORDS_ALONE);
  const ids = [...new Set([...hits, ...nearest, ...turns.map(({ adjacent_id }) => adjacent_id)])];
  const ranked =
    ids.length === 0 ? [] : await scoreAll(context, caller, filter, query, { ids, turns, questions, withPriors });
  return {
    ranked,
    query,
    relaxed,
    matching: { count: lexical.candidates, complete: lexical.complete },
    weak: ranked[0] !== undefined && ranked[0].score < (questions.length > 0 ? WEAK_BELOW : WEAK_BELOW_BY_WORDS),
    ran: { lexical: 'ok', semantic: ran },
    pending,
  };
}

/** The best by words, and their neighbours; where the question's operators leave nothing, they are taken for words too. */
async function findByWords(
  context: RequestContext,
  caller: Caller,
  filter: MemoryFilter,
  text: string,
): Promise<{ query: LexicalQuery; lexical: LexicalResult; relaxed: boolean; turns: AdjacentMemory[] }> {
  const ask = async (question: Question) => {
    const query = await prepare(context.sql, caller.userId, question);
    return { query, lexical: await rankLexical(context.sql, caller.userId, filter, query, CANDIDATES_BY_WORDS_ALONE) };
  };
  let found = await ask(parseQuestion(text));
  const relaxed = found.lexical.hits.size === 0 && isNarrowed(found.query.question);
  if (relaxed) found = await ask(plainQuestion(text));
  const best = [...found.lexical.hits.keys()].slice(0, WITH_NEIGHBOURS);
  return { ...found, relaxed, turns: await findAdjacentMemories(context.sql, caller.userId, best) };
}

async function scoreAll(
  context: RequestContext,
  caller: Caller,
  filter: MemoryFilter,
  query: LexicalQuery,
  found: { ids: string[]; turns: AdjacentMemory[]; questions: readonly Meaning[]; withPriors: boolean },
): Promise<Found[]> {
  const [words, nearness, facts] = await Promise.all([
    scoreLexical(context.sql, caller.userId, filter, query, found.ids),
    measureNearness(context.sql, caller.userId, found.questions, found.ids),
    findRankingAttributes(context.sql, caller.userId, found.ids),
  ]);
  const lent = lendToNeighbours(words, found.turns);
  const now = context.now();
  const scored = facts
    // What the filter or an operator keeps out has no lexical score, not even 0.
    .filter(({ id }) => words.has(id))
    .map((fact) => {
      const best = nearness.get(fact.id);
      const parts: Parts = {
        lexical: words.get(fact.id) ?? 0,
        semantic: best?.similarity,
        neighbours: lent.get(fact.id) ?? 0,
        recency: Math.exp(-Math.max(0, now.getTime() - fact.updated_at.getTime()) / RECENT_MS),
        importance: fact.importance === null ? undefined : Math.min(1, Math.max(0, fact.importance)),
      };
      return { fact, id: fact.id, parts, score: fuse(parts, found.withPriors), passage: best?.passage };
    })
    .filter(({ parts }) => parts.lexical > 0 || parts.neighbours > 0 || parts.semantic !== undefined);
  return currentFirst(scored, now);
}

/** Turns of one session lend each other weight, by distance; each pair once, however often it was found. */
function lendToNeighbours(words: ReadonlyMap<string, number>, turns: readonly AdjacentMemory[]): Map<string, number> {
  const lent = new Map<string, number>();
  const seen = new Set<string>();
  for (const { id, adjacent_id, distance } of turns) {
    const pair = id < adjacent_id ? `${id} ${adjacent_id}` : `${adjacent_id} ${id}`;
    if (seen.has(pair)) continue;
    seen.add(pair);
    const weight = WEIGHTS.neighbours[distance - 1] ?? 0;
    lent.set(id, (lent.get(id) ?? 0) + weight * (words.get(adjacent_id) ?? 0));
    lent.set(adjacent_id, (lent.get(adjacent_id) ?? 0) + weight * (words.get(id) ?? 0));
  }
  return lent;
}

type Scored = Found & { fact: RankingAttributes };

/** Best first; what has expired counts half, and what was superseded stands right behind what replaced it, if that was found too. */
function currentFirst(scored: Scored[], now: Date): Found[] {
  for (const found of scored) if (found.fact.expires_at && found.fact.expires_at <= now) found.score /= 2;
  const byId = new Map(scored.map((found) => [found.id, found]));
  const placed = new Set<Scored>();
  const place = (found: Scored) => {
    const successor = found.fact.superseded_by ? byId.get(found.fact.superseded_by) : undefined;
    if (placed.has(found)) return;
    placed.add(found);
    if (!successor || placed.has(successor)) return;
    // However much better the old words fit.
    successor.score = Math.max(successor.score, found.score);
    place(successor);
    placed.delete(found);
    placed.add(found);
  };
  scored.sort(bestFirst).forEach(place);
  return [...placed].map(({ fact, ...found }) => found);
}

function bestFirst(a: Scored, b: Scored): number {
  return b.score - a.score || b.fact.created_at.getTime() - a.fact.created_at.getTime() || (a.id < b.id ? 1 : -1);
}

/** The passage that was found by meaning, in the content: the title may lead what was embedded. */
export function passageIn(memory: { title: string; content: string }, { passage }: Found) {
  if (!passage) return undefined;
  const lead = textOf(memory).length - memory.content.length;
  return { start: Math.max(0, passage.start - lead), end: passage.end - lead };
}
