import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Refusal } from './console.mjs';
import { runTool } from './tools.mjs';

/**
 * @typedef {{ root: string, args: string[], running: import('./running.mjs').Running }} Context
 *
 * @typedef {object} Command
 * @property {string} about one line for the help
 * @property {'packages' | 'build'} needs what must be ready before it runs
 * @property {(context: Context) => Promise<number | undefined>} run resolves to the exit code; to nothing where the
 *   command goes on in this process
 */

/** @type {Record<string, Command>} */
export const COMMANDS = {
  start: ours('run the service', 'dist/api/main.js'),
  dev: tools('run the service and restart it when a source changes', [
    { name: 'tsx', args: ['watch', '--clear-screen=false', 'api/main.ts'] },
  ]),
  worker: ours('run the background jobs alone', 'dist/api/jobs/main.js'),
  migrate: ours('bring the database to the current schema', 'dist/scripts/migrate.js'),
  admin: ours('manage users, keys and plans', 'dist/scripts/admin.js'),
  demo: ours('show the product in a minute, on a service of its own', 'dist/scripts/demo.js'),
  bench: ours('measure the service', 'dist/scripts/bench.js'),
  'bench:search': ours('measure search while a tenant grows', 'dist/scripts/bench-search.js'),
  chaos: ours(
    'kill the service under load and compare what was answered with what is on record',
    'dist/scripts/chaos.js',
  ),
  'simulate:whop': tools('buy plans without paying, and watch them become keys', [
    { name: 'tsx', args: ['scripts/simulate-whop.ts'] },
  ]),
  eval: ours('measure what search finds', 'dist/scripts/eval.js'),
  schema: ours('write db/schema/schema.sql from the catalogue', 'dist/scripts/schema.js'),
  build: { about: 'build dist/ only', needs: 'build', run: async () => 0 },
  // Some tests start the service as users do, so dist/ must be current.
  test: { ...tools('run the tests', [{ name: 'vitest', args: ['run'] }]), needs: 'build' },
  check: tools('check format, lint rules and types', [
    { title: 'biome', name: '@biomejs/biome', command: 'biome', args: ['check', '--error-on-warnings', '.'] },
    { title: 'types', name: 'typescript', command: 'tsc', args: ['--noEmit'] },
  ]),
  format: tools('format the code and fix what can be fixed', [
    { name: '@biomejs/biome', command: 'biome', args: ['check', '--write', '.'] },
  ]),
};

export function help() {
  const lines = Object.entries(COMMANDS).map(([name, { about }]) => `  ${name.padEnd(12)} ${about}`);
  return `Usage: npm run <command> [-- arguments]   (or: node scripts/run.mjs <command> [arguments])\n\n${lines.join('\n')}`;
}

/**
 * A program of this repository. It is loaded into this process, which so becomes it: Ctrl-C, SIGTERM and kill -9 reach
 * the program itself, and there is no parent that could be killed alone.
 *
 * @param {string} about
 * @param {string} path
 * @returns {Command}
 */
function ours(about, path) {
  return {
    about,
    needs: 'build',
    async run({ root, args }) {
      const file = join(root, path);
      if (!existsSync(file)) throw new Refusal(`${path.replace(/^dist\/(.*)\.js$/, '$1.ts')} is not there.`);
      process.argv.splice(1, Number.POSITIVE_INFINITY, file, ...args);
      process.setSourceMapsEnabled(true);
      await import(pathToFileURL(file).href);
      return undefined;
    },
  };
}

/**
 * Tools that others wrote, one after the other; each runs even if one before it failed.
 *
 * @param {string} about
 * @param {{ title?: string, name: string, command?: string, args: string[] }[]} steps the one of a title reports its result
 * @returns {Command}
 */
function tools(about, steps) {
  return {
    about,
    needs: 'packages',
    async run(context) {
      let worst = 0;
      for (const { title, args, ...tool } of steps) {
        const started = performance.now();
        const code = await runTool(context, { ...tool, args: [...args, ...context.args] });
        const seconds = ((performance.now() - started) / 1000).toFixed(1);
        if (title) console.log(`${code === 0 ? '✓' : '✗'} ${title} (${seconds} s)`);
        if (code !== 0) worst = title ? 1 : code;
      }
      return worst;
    },
  };
}
