import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { UserError } from './console.mjs';
import { PROGRAMS, usage } from './programs.mjs';
import { runTool } from './tools.mjs';

/**
 * @typedef {object} Command
 * @property {string} about one line of the help
 * @property {'packages' | 'build'} needs
 * @property {(context: { root: string, args: string[], running: import('../../db/embedded/process-lock.mjs').Lock })
 *   => Promise<number | undefined>} run resolves to the exit code, or to undefined if the command goes on in this process
 *
 * @type {Record<string, Command>}
 */
export const COMMANDS = {
  start: program('run the service', 'api/main'),
  dev: tools('run the service and restart it when a source file changes', [
    { name: 'tsx', args: ['watch', '--clear-screen=false', 'api/main.ts'] },
  ]),
  worker: program('run only the background jobs', 'api/jobs/main'),
  migrate: program('migrate the database to the current schema', 'scripts/migrate'),
  admin: program('manage users, keys and plans', 'scripts/admin'),
  dashboard: program('print a link that signs in to the dashboard of the running service', 'scripts/dashboard'),
  server: {
    about: 'run a program of whitemagic-server: api, worker, migrate, admin, backup, restore, check',
    needs: 'build',
    run: ({ args: [name, ...args], ...context }) => {
      if (!name || !Object.hasOwn(PROGRAMS, name)) throw new UserError(usage());
      return program('', PROGRAMS[name].path).run({ ...context, args });
    },
  },
  demo: program('show the product in a minute, on a service of its own', 'scripts/demo'),
  bench: program('measure the throughput and latency of the service', 'scripts/bench'),
  'bench:search': program('measure search as a tenant grows', 'scripts/bench-search'),
  'bench:fairness': program(
    'measure quiet tenants beside the most expensive calls of another',
    'scripts/bench-fairness',
  ),
  clients: program('install real MCP clients, set them up, and print what works', 'scripts/clients'),
  mcpb: program('build the bundle for Claude Desktop, validated by its tool', 'scripts/mcpb'),
  'bench:agents': program(
    'replay the histories of coding agents, and measure what later sessions find',
    'scripts/bench-agents',
  ),
  'bench:peers': program('compare with other memories: latency, recall, lost stores', 'scripts/bench-peers'),
  chaos: program('kill the service under load and compare its responses with the database', 'scripts/chaos'),
  fuzz: program('call every operation with random input by schemathesis', 'scripts/fuzz'),
  launch: tools('play a soft launch: customers, agents, upgrades and cancellations', [
    { name: 'tsx', args: ['scripts/launch.ts'] },
  ]),
  load: program('send the load of a hundred users with Locust, and write a report', 'scripts/load'),
  smoke: program('run a small part of the tests on Node 22 and 24', 'scripts/smoke'),
  upgrade: program('prove that an upgrade of two nodes loses no request', 'scripts/upgrade'),
  'simulate:whop': tools('buy plans from a simulated Whop, without payment', [
    { name: 'tsx', args: ['scripts/simulate-whop.ts'] },
  ]),
  eval: program('measure the quality of search results', 'scripts/eval'),
  schema: program('write db/schema/schema.sql from the migrations', 'scripts/schema'),
  'encoder-model': tools(
    "write api/embeddings/local/model/model.onnx, the encoder's graph with fused operators, from the published model",
    [{ name: 'tsx', args: ['scripts/encoder-model.ts'] }],
  ),
  ranks: tools('write api/tokens/o200k_base.bin, the tokens that budgets are counted in, from gpt-tokenizer', [
    { name: 'tsx', args: ['scripts/ranks.ts'] },
  ]),
  sdk: tools('write the generated part of the clients in mcp/clients from the contracts', [
    { name: 'tsx', args: ['scripts/sdk.ts'] },
  ]),
  build: { about: 'compile into dist/ and mcp/cli/dist/, and build the dashboard', needs: 'build', run: async () => 0 },
  // Some tests start the service as users do, from dist/.
  test: { ...tools('run the tests', [{ name: 'vitest', args: ['run'] }]), needs: 'build' },
  conformance: {
    ...tools('run the MCP conformance suites and the clients of other languages', [
      { name: 'vitest', args: ['run', '--config', 'test/conformance/vitest.config.ts', '--root', '.'] },
    ]),
    needs: 'build',
  },
  screens: {
    ...tools('open every screen of the dashboard in both themes, check it, and keep an image', [
      { name: 'vitest', args: ['run', '--config', 'test/screens/vitest.config.ts', '--root', '.'] },
    ]),
    needs: 'build',
  },
  check: tools('check format, lint rules, types and secrets', [
    { title: 'biome', name: '@biomejs/biome', command: 'biome', args: ['check', '--error-on-warnings', '.'] },
    { title: 'types', name: 'typescript', command: 'tsc', args: ['--noEmit'] },
    { title: 'dashboard types', name: 'typescript', command: 'tsc', args: ['--noEmit', '-p', 'api/dashboard'] },
    { title: 'secrets', name: 'secretlint', command: 'secretlint', args: ['**/*', '.github/**', '.ci/*'] },
  ]),
  format: tools('format the code and apply safe lint fixes', [
    { name: '@biomejs/biome', command: 'biome', args: ['check', '--write', '.'] },
  ]),
};

export function help() {
  const lines = Object.entries(COMMANDS).map(([name, { about }]) => `  ${name.padEnd(13)} ${about}`);
  return `Usage: npm run <command> [-- arguments]   (or: node scripts/run.mjs <command> [arguments])\n\n${lines.join('\n')}`;
}

/** A program of this repository, loaded into this process: signals and `kill -9` reach the program, not a parent of it. */
function program(about, path) {
  const run = async ({ root, args }) => {
    const file = join(root, 'dist', `${path}.js`);
    if (!existsSync(file)) throw new UserError(`${path}.ts does not exist.`);
    process.argv.splice(1, Number.POSITIVE_INFINITY, file, ...args);
    process.setSourceMapsEnabled(true);
    await import(pathToFileURL(file).href);
    return undefined;
  };
  return { about, needs: 'build', run };
}

/** Runs tools of packages one after the other, each even if one before it failed. Prints the result of those with a title. */
function tools(about, steps) {
  const run = async (context) => {
    let exitCode = 0;
    for (const { title, args, ...tool } of steps) {
      const started = performance.now();
      const code = await runTool(context, { ...tool, args: [...args, ...context.args] });
      const seconds = ((performance.now() - started) / 1000).toFixed(1);
      if (title) console.log(`${code === 0 ? '✓' : '✗'} ${title} (${seconds} s)`);
      if (code !== 0) exitCode = title ? 1 : code;
    }
    return exitCode;
  };
  return { about, needs: 'packages', run };
}
