import { defineConfig } from 'vitest/config';

/** The check of `npm run screens`, which opens every screen several times. */
export default defineConfig({
  test: {
    include: ['test/screens/*.check.ts'],
    globalSetup: ['test/support/global-setup.ts'],
    pool: 'forks',
    testTimeout: 60_000,
    hookTimeout: 300_000,
  },
});
