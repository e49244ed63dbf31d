import { readdirSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { defineConfig } from 'vitest/config';
import { LongestFirst } from './test/support/longest-first.ts';

const options = {
  // Workers are processes: tests start servers and child processes.
  pool: 'forks',
  // By default one core is left to vitest itself, which on two cores would mean one file at a time.
  maxWorkers: Math.min(4, Math.max(2, availableParallelism())),
  testTimeout: 30_000,
  hookTimeout: 60_000,
} as const;

/**
 * Test files that replace modules or move the clock, which would affect the files after them in the same worker: ids never descend, so
 * those made after a moved clock would all have its time.
 */
const isolated = readdirSync('test', { recursive: true, encoding: 'utf8' })
  .map((file) => join('test', file))
  .filter((file) => file.endsWith('.test.ts') && /vi\.(mock|useFakeTimers)\(/.test(readFileSync(file, 'utf8')));

export default defineConfig({
  test: {
    globalSetup: ['test/support/global-setup.ts'],
    reporters: ['default', './test/support/closing-line-reporter.ts'],
    sequence: { sequencer: LongestFirst },
    maxWorkers: options.maxWorkers,
    projects: [
      { test: { ...options, name: 'isolated', include: isolated } },
      // The files of a worker share its modules: loading them again for each file takes half of the time.
      { test: { ...options, name: 'shared', include: ['test/**/*.test.ts'], exclude: isolated, isolate: false } },
    ],
  },
});
