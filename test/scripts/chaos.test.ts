import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { runScript } from '../support/run-script.ts';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'whitemagic-chaos-test-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const chaos = (...args: string[]) => runScript('scripts/chaos.ts', args, { TMPDIR: folder });

it('npm run chaos › kills, compares, prints the counts, and removes its folder when nothing differs', async () => {
  const args = [
    '--kills',
    '1',
    '--database-kills',
    '1',
    '--seconds-between',
    '0.2',
    '--connections',
    '3',
    '--scenes',
    'database-hang',
  ];
  const { code, stdout, stderr } = await chaos(...args);
  expect(code, stdout + stderr).toBe(0);
  expect(stdout).toContain('kill 1 of 1 (service and PostgreSQL)');
  expect(stdout).toContain('scene database-hang: ');
  expect(stdout).toMatch(/│ recorded events +│ [1-9]\d* +│/);
  expect(stdout).toContain('✓ nothing lost, nothing duplicated');
  expect((await readdir(folder)).filter((name) => name.startsWith('whitemagic-chaos-'))).toEqual([]);
}, 120_000);

it('npm run chaos › rejects a folder that is not empty', async () => {
  await writeFile(join(folder, 'credentials.json'), '{}');
  const { code, stderr } = await chaos('--data-dir', folder);
  expect(code).toBe(1);
  expect(stderr).toContain('is not empty');
  expect((await readdir(folder)).filter((name) => !name.startsWith('tsx'))).toEqual(['credentials.json']);
});

it('npm run chaos › prints its help, and rejects an invalid option', async () => {
  const help = await chaos('--help');
  expect([help.code, help.stdout]).toEqual([0, expect.stringContaining('--seconds-between N')]);
  const wrong = await chaos('--kills', 'many');
  expect([wrong.code, wrong.stderr]).toEqual([1, expect.stringContaining('at kills')]);
});
