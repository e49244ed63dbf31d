import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { bestPassage, countWords, holdsPassage } from '../../scripts/eval/best-passage.ts';
import { rescore } from '../../scripts/eval/candidates.ts';
import { byCategory } from '../../scripts/eval/evaluate-results.ts';
import { findBelowFloors } from '../../scripts/eval/floors.ts';
import { readSets } from '../../scripts/eval/load.ts';
import type { SetResult } from '../../scripts/eval/report.ts';
import { bootstrap, compare, means, percentile, scoreAll, scoreRanking, summarize } from '../../scripts/eval/score.ts';
import { type Finished, runScript } from '../support/run-script.ts';

const folder = join(import.meta.dirname, '../eval');

describe('retrieval scores', () => {
  test('are 1 for one gold note in first place', () => {
    const perfect = { 'R@1': 1, 'R@5': 1, 'R@10': 1, 'R@20': 1, 'hit@5': 1, 'nDCG@10': 1, MRR: 1, empty: 0 };
    expect(scoreRanking(['a', 'b'], new Set(['a']))).toEqual(perfect);
  });

  test('of one gold note in third place: half the gain, a third as reciprocal rank', () => {
    // 1 / log2(3 + 1) = 0.5 over an ideal of 1 / log2(2) = 1.
    const scores = scoreRanking(['x', 'y', 'a'], new Set(['a']));
    expect(scores).toMatchObject({ 'R@1': 0, 'R@5': 1, 'nDCG@10': 0.5, 'hit@5': 1 });
    expect(scores.MRR).toBeCloseTo(0.333333, 6);
  });

  test('of two gold notes in second and seventh place', () => {
    // (1 / log2(3) + 1 / log2(8)) / (1 + 1 / log2(3)) = (0.63093 + 0.33333) / 1.63093
    const scores = scoreRanking(['1', 'a', '3', '4', '5', '6', 'b', '8'], new Set(['a', 'b']));
    expect(scores).toMatchObject({ 'R@1': 0, 'R@5': 0.5, 'R@10': 1, 'hit@5': 1, MRR: 0.5 });
    expect(scores['nDCG@10']).toBeCloseTo(0.591237, 5);
  });

  test('count a note in eleventh place for recall at 20 and the reciprocal rank, not for nDCG@10', () => {
    const ranked = [...'bcdefghijk', 'a'];
    expect(scoreRanking(ranked, new Set(['a']))).toMatchObject({ 'R@10': 0, 'R@20': 1, 'nDCG@10': 0, MRR: 1 / 11 });
  });

  test('count a repeated id once, and move the following ones up', () => {
    expect(scoreRanking(['x', 'x', 'a', 'a'], new Set(['a', 'b']))).toMatchObject({
      MRR: 0.5,
      'R@5': 0.5,
      'R@20': 0.5,
    });
  });

  test('with more than ten gold notes: recall relates to all of them, the ideal of nDCG to ten', () => {
    const gold = Array.from({ length: 20 }, (_, index) => `g${index}`);
    expect(scoreRanking(gold.slice(0, 10), new Set(gold))).toMatchObject({ 'R@10': 0.5, 'R@20': 0.5, 'nDCG@10': 1 });
  });

  test('are 0 for an empty ranking', () => {
    const zero = { 'R@1': 0, 'R@5': 0, 'R@10': 0, 'R@20': 0, 'hit@5': 0, 'nDCG@10': 0, MRR: 0, empty: 1 };
    expect(scoreRanking([], new Set(['a']))).toEqual(zero);
  });

  test('exclude questions without gold notes', () => {
    const gold = new Map([
      ['one', new Set(['a'])],
      ['two', new Set(['b'])],
    ]);
    const answers = ['one', 'two', 'three'].map((id) => ({ id, category: 'c', ids: ['a'] }));
    const scored = scoreAll(answers, gold);
    expect(scored.map(({ id }) => id)).toEqual(['one', 'two']);
    expect(means(scored)).toMatchObject({ 'R@1': 0.5, 'nDCG@10': 0.5, MRR: 0.5, empty: 0 });
  });

  test('have reproducible intervals that include the mean, of width 0 for equal values', () => {
    const values = [0, 0, 1, 1, 1, 0.5, 0.25, 1, 0, 1];
    const [low, high] = bootstrap()(values);
    expect(bootstrap()(values)).toEqual([low, high]);
    expect(low).toBeLessThan(0.575);
    expect(high).toBeGreaterThan(0.575);
    expect(bootstrap()([0.5, 0.5, 0.5])).toEqual([0.5, 0.5]);
  });

  test('have the intervals of the reference implementation', () => {
    // The scorer of the public sets, on ten questions with one gold note each in the places 1, 2, 3, 1, none, 1, 12, 4, 1, 2.
    const places = [1, 2, 3, 1, 0, 1, 12, 4, 1, 2];
    const ranked = places.map((place) => Array.from({ length: 20 }, (_, at) => (at + 1 === place ? 'a' : `x${at}`)));
    const { means: of, intervals } = summarize(ranked.map((ids) => scoreRanking(ids, new Set(['a']))));
    expect(of['nDCG@10']).toBeCloseTo(REFERENCE.ndcg, 5);
    expect(intervals['nDCG@10'].map((bound) => (bound * 100).toFixed(1))).toEqual(REFERENCE.ndcgInterval);
    expect(intervals['R@10'].map((bound) => (bound * 100).toFixed(1))).toEqual(REFERENCE.recallInterval);
  });

  test('are compared question by question', () => {
    const [good, bad] = [['a'], ['x']].map((ids) => scoreRanking(ids, new Set(['a'])));
    if (!good || !bad) throw new Error('two rankings');
    const { 'R@10': difference } = compare([good, good, bad], [bad, good, bad], bootstrap());
    expect(difference.mean).toBeCloseTo(1 / 3, 9);
    expect(difference.interval[0]).toBe(0);
  });

  test('have percentiles below which the given share of values lies', () => {
    const values = Array.from({ length: 100 }, (_, index) => 100 - index);
    expect([percentile(values, 0.5), percentile(values, 0.95), percentile([7], 0.95)]).toEqual([51, 96, 7]);
  });
});

/** Output of the reference implementation for the rankings of the test above. */
const REFERENCE = { ndcg: 0.619254, ndcgInterval: ['38.9', '84.9'], recallInterval: ['50.0', '100.0'] };

describe('evaluation sets in test/eval', () => {
  test('have questions with gold notes of their own owner, of ten kinds in `agents`', async () => {
    const [agents, small] = await readSets([folder]);
    if (!agents || !small) throw new Error('two sets');
    expect([agents.notes.length, agents.questions.length, agents.gold.size]).toEqual([300, 300, 270]);
    expect([small.notes.length, small.questions.length, small.gold.size]).toEqual([60, 80, 80]);
    const kinds = Object.keys(agents.floors ?? {});
    expect(kinds.map((kind) => agents.questions.filter(({ category }) => category === kind).length)).toEqual(
      Array.from({ length: 10 }, () => 30),
    );
    for (const { notes, questions, gold } of [agents, small]) {
      const owners = new Map(notes.map(({ id, owner }) => [id, owner]));
      for (const { id, owner } of questions)
        for (const note of gold.get(id) ?? []) expect([id, owners.get(note)]).toEqual([id, owner]);
    }
  });

  test('name each measure of a kind that is below its floor', () => {
    const ranked = (category: string, ids: string[], lowConfidence: boolean) => ({
      id: 'q',
      category,
      ids,
      lowConfidence,
    });
    const answers = [ranked('why', ['x', 'x', 'a'], false), ranked('unanswerable', ['x'], false)];
    const gold = new Map([['q', new Set(['a'])]]);
    const kinds = byCategory(answers, scoreAll([ranked('why', ['x', 'y', 'a'], false)], gold));
    expect(findBelowFloors(kinds, { why: { 'nDCG@10': 50, 'R@10': 100, lowConfidenceMax: 0 } })).toEqual([]);
    const floors = { why: { 'nDCG@10': 51 }, unanswerable: { lowConfidenceMin: 40 }, who: { 'R@10': 1 } };
    expect(findBelowFloors(kinds, floors)).toEqual([
      'why: nDCG@10 50.0, floor 51',
      'unanswerable: low_confidence 0.0, floor 40',
      'who: R@10 not measured, floor 1',
    ]);
  });
});

describe('best passage of a note', () => {
  const filler = (from: number) => Array.from({ length: 60 }, (_, index) => `word${from + index}`).join(' ');
  const note = `${filler(0)} Deploys go out on Thursdays after the meeting. ${filler(100)}`;
  const counts = countWords([note, filler(0), filler(100)]);

  test('is where the rarest words of the question are, or the beginning', () => {
    expect(bestPassage(note, 'When is the deploy after a meeting?', counts).join(' ')).toContain('Deploys go out');
    expect(bestPassage(note, 'giraffe', counts)).toEqual(filler(0).split(' ').slice(0, 30));
    expect(bestPassage('Two words.', 'giraffe', counts)).toEqual(['Two', 'words.']);
  });

  test('is held by a text with 20 of its words in one piece, or with all of a short note', () => {
    const passage = bestPassage(note, 'deploys after the meeting', counts);
    expect(holdsPassage(`- **Title** (2026-01-01)\n  … ${passage.slice(5, 25).join('\n  ')} …`, passage)).toBe(true);
    expect(holdsPassage(`${passage.slice(0, 15).join(' ')} … ${passage.slice(16).join(' ')}`, passage)).toBe(false);
    expect(holdsPassage('Exactly two words. Indeed', ['two', 'words.'])).toBe(true);
    expect(holdsPassage('two wordsy', ['two', 'words'])).toBe(false);
  });
});

describe('npm run eval', () => {
  let directory: string;
  let finished: Finished;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'whitemagic-eval-test-'));
    const output = ['--json', join(directory, 'run.json'), '--runs', join(directory, 'runs')];
    const record = ['--record', join(directory, 'candidates.jsonl')];
    finished = await runScript('scripts/eval.ts', [
      '--only',
      'small',
      '--limit-queries',
      '10',
      '--env',
      'EMBEDDER=none',
      '--context',
      ...output,
      ...record,
    ]);
  }, 120_000);

  afterAll(() => rm(directory, { recursive: true, force: true }));

  test('searches over both transports, scores, and finds no result of another owner', async () => {
    expect(finished).toMatchObject({ code: 0 });
    expect(finished.stdout).toContain('nDCG@10');
    expect(finished.stdout).toMatch(/^about time and change .*\n-.*\nsmall (?:superseded|temporal) /m);
    expect(finished.stdout).toContain('10 of 10 ranked equally over MCP');
    const { env, sets } = JSON.parse(await readFile(join(directory, 'run.json'), 'utf8')) as {
      env: Record<string, string>;
      sets: SetResult[];
    };
    expect(env).toEqual({ EMBEDDER: 'none' });
    expect(sets).toHaveLength(1);
    const [result] = sets;
    expect(result).toMatchObject({
      set: 'small',
      foreign: 0,
      summary: { questions: 10 },
      mcp: { asked: 10, differing: [] },
    });
    expect(result?.answers).toHaveLength(10);
    expect(result?.summary.means['R@20']).toBeGreaterThan(0.3);
    expect(result?.tokens).toBeGreaterThan(0);
    expect(result?.latency.p95).toBeGreaterThanOrEqual(result?.latency.p50 ?? Number.NaN);
  });

  test('requests context packages within their budgets, and larger ones cite no less', async () => {
    const { sets } = JSON.parse(await readFile(join(directory, 'run.json'), 'utf8')) as { sets: SetResult[] };
    const context = sets[0]?.context ?? [];
    expect(context.map(({ budget }) => budget)).toEqual([250, 500, 1_000, 2_000, 4_000]);
    expect(context.filter(({ overBudget }) => overBudget > 0)).toEqual([]);
    expect(context.at(-1)?.cited).toBeGreaterThanOrEqual(context[0]?.cited ?? 1);
    for (const { share, cited, tokens, unneeded } of context)
      expect([share <= cited, unneeded < tokens]).toEqual([true, true]);
  });

  test('records candidates that the present weights score as before', async () => {
    const table = await rescore(await readSets([folder]), join(directory, 'candidates.jsonl'));
    const [, , small = ''] = table.split('\n');
    // A successor is ranked by the score of what it supersedes too, which is not recorded: at most that one question differs.
    expect(small).toMatch(/^small +10 /);
    expect(small).toMatch(/ [01]\.\d \[0\.0, [0-4]\.\d\] +0\.0 \[0\.0, 0\.0\]$/);
  });

  test('writes one line per question with ids of the set', async () => {
    const lines = (await readFile(join(directory, 'runs/small.jsonl'), 'utf8')).split('\n').filter(Boolean);
    const [set] = await readSets([folder], ['small']);
    const known = new Set(set?.notes.map(({ id }) => id));
    expect(lines).toHaveLength(10);
    for (const line of lines) {
      const { ids } = JSON.parse(line) as { ids: string[] };
      expect(ids.filter((id) => !known.has(id))).toEqual([]);
    }
  });
});
