import { defineConfig } from 'vitest/config';

/** The checks of `npm run conformance`, which install packages of their own. */
export default defineConfig({
  test: {
    include: ['test/conformance/*.check.ts'],
    globalSetup: ['test/support/global-setup.ts'],
    pool: 'forks',
    fileParallelism: false,
    testTimeout: 120_000,
    hookTimeout: 400_000,
  },
});
