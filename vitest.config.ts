import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/support/global-setup.ts'],
    // A worker process runs many files: loading the service anew for each would take as long as many of the tests.
    // Files share no state but loaded modules: each starts its own service on its own database.
    pool: 'forks',
    isolate: false,
    // By default one core is left to vitest itself, which on two cores would mean one file at a time.
    maxWorkers: Math.min(4, Math.max(2, availableParallelism())),
    testTimeout: 30_000,
    hookTimeout: 60_000,
    reporters: ['default', './test/support/closing-line-reporter.ts'],
  },
});
