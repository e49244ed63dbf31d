import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { MEASURES, type Run } from '../../scripts/bench/growth-report.ts';
import { createTexts } from '../../scripts/bench/texts.ts';
import { type Finished, runScript } from '../support/run-script.ts';

const TINY = ['--sizes', '50,100', '--tenants', '3', '--each', '40', '--questions', '5', '--embedder', 'none'];

describe('npm run bench:search', () => {
  let directory: string;
  let finished: Finished;
  let run: Run;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'whitemagic-bench-search-test-'));
    const [before, after] = [join(directory, 'before.json'), join(directory, 'run.json')];
    const figures = [{ size: 50, what: MEASURES.search, p50Ms: 0.001, p95Ms: 0.001, rows: 1 }];
    await writeFile(before, JSON.stringify({ figures, disk: [] }));
    finished = await runScript('scripts/bench-search.ts', [...TINY, '--json', after, '--against', before]);
    expect(finished, finished.stderr).toMatchObject({ code: 0 });
    run = JSON.parse(await readFile(after, 'utf8')) as Run;
  }, 120_000);

  afterAll(() => rm(directory, { recursive: true, force: true }));

  test('measures every case at every size', () => {
    expect(run.figures.map(({ size, what }) => [size, what])).toEqual(
      [50, 100].flatMap((size) => Object.values(MEASURES).map((what) => [size, what])),
    );
    for (const { p50Ms, p95Ms, rows } of run.figures) {
      expect(p50Ms).toBeGreaterThan(0);
      expect(p95Ms).toBeGreaterThanOrEqual(p50Ms);
      if (rows !== undefined) expect(rows).toBeGreaterThan(0);
    }
    const counted = run.figures.filter(({ rows }) => rows !== undefined).map(({ what }) => what);
    expect(new Set(counted)).toEqual(
      new Set([
        MEASURES.search,
        MEASURES.lexical,
        MEASURES.mistyped,
        MEASURES.context,
        MEASURES.small,
        MEASURES.smallLexical,
      ]),
    );
  });

  test('prints the disk space of a memory by part', () => {
    for (const { memories, parts } of run.disk) {
      expect(memories).toBeGreaterThanOrEqual(3 * 40 + 50);
      expect(Object.keys(parts)).toHaveLength(6);
      for (const bytes of Object.values(parts)) expect(bytes).toBeGreaterThan(0);
    }
  });

  test('prints tables and ratios', () => {
    for (const column of ['p50 ms', 'p95 ms', 'rows read', 'bytes per memory'])
      expect(finished.stdout).toContain(column);
    expect(finished.stdout).toMatch(/lexical search, p95: [\d.]+ times as long with 100 memories as with 50/);
    expect(finished.stdout).not.toContain('NaN');
  });

  test('prints the change of each figure since an earlier run', () => {
    for (const column of ['p50 change', 'p95 change', 'rows change']) expect(finished.stdout).toContain(column);
    expect(finished.stdout).toMatch(/'search' .*'\+\d+ %' .*'\+\d+ %' .*'\+\d+ %'/);
  });
});

describe('benchmark texts', () => {
  test('are reproducible and have the specified number of words', () => {
    const [one, other] = [createTexts(), createTexts()];
    expect(one.note(3, 7)).toEqual(other.note(3, 7));
    expect(one.note(3, 7).content).not.toEqual(one.note(4, 7).content);
    expect(one.note(1, 2).content.split(' ')).toHaveLength(30);
    expect(one.questions(0, 50, 20)).toEqual(other.questions(0, 50, 20));
  });

  test('have few frequent words and many rare ones', () => {
    const texts = createTexts();
    const memories = new Map<string, number>();
    for (let index = 0; index < 500; index++)
      for (const word of new Set(texts.note(0, index).content.toLowerCase().match(/\w+/g)))
        memories.set(word, (memories.get(word) ?? 0) + 1);
    const counts = [...memories.values()];
    expect(Math.max(...counts)).toBeGreaterThan(300);
    expect(counts.filter((count) => count === 1).length).toBeGreaterThan(counts.length / 3);
  });
});
