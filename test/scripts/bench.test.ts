import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { runScript } from '../support/run-script.ts';

const built = join(import.meta.dirname, '..', '..', 'dist', 'scripts', 'bench.js');
const MEASURED_ROW = /│ \d+ +│ '(REST get|MCP get_memory|REST create)' +│ [1-9]/g;

it('npm run bench › measures every case at every number of connections, from dist', async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [built, '--seconds', '0.1']);
  expect(stdout.match(MEASURED_ROW)?.length, stdout).toBe(9);
  expect(stdout).toMatch(/'with the encoder' +│ [1-9]\d* +│ [1-9]\d* +│/);
  expect(stdout).toContain('bridge, started and ended');
  // A create is held against the plain statement, and each of its parts is measured.
  expect(stdout).toMatch(/'REST create' .*'plain INSERT' +│ '[1-9]\d* %'/);
  expect(stdout).toMatch(/'insert_usage_event' +│ \d/);
  expect(stdout).toMatch(/'commit' +│ \d/);
  expect(stdout).toMatch(
    /'many accounts' +│ 50 +│ [1-9]\d* +│ [\d.]+ +│ [\d.]+ +│ [\d.]+ +│ [\d.]+ +│ [\d.]+ +│ [\d.]+ +│/,
  );
  expect(stdout).toMatch(/' {2}of the insert: candidate' +│ \d/);
}, 180_000);

it('npm run bench › prints its help, and rejects an invalid option', async () => {
  const help = await runScript('scripts/bench.ts', ['--help']);
  expect([help.code, help.stdout]).toEqual([0, expect.stringContaining('--seconds N')]);
  const wrong = await runScript('scripts/bench.ts', ['--seconds', 'many']);
  expect([wrong.code, wrong.stderr]).toEqual([1, expect.stringContaining('At seconds')]);
});
