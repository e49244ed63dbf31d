import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runProgram } from '../../mcp/cli/program.ts';
import { testCli } from '../support/cli.ts';
import { memoriesOf } from '../support/imports.ts';
import { startTestService, type TestService, type TestUser } from '../support/service.ts';

let node: TestService;
let folder: string;
beforeAll(async () => {
  node = await startTestService({ jobs: true });
  folder = await mkdtemp(join(tmpdir(), 'whitemagic-cli-import-'));
});
afterAll(async () => {
  await node.stop();
  await rm(folder, { recursive: true, force: true });
});

async function run(user: TestUser, args: string[], confirm?: () => Promise<boolean>) {
  const env = { WHITEMAGIC_URL: node.url, WHITEMAGIC_API_KEY: user.apiKey };
  const cli = testCli({ env, confirm, delay: async () => void (await delay(100)) });
  const code = await runProgram(['import', ...args], cli);
  return { code, printed: cli.printed(), noted: cli.noted() };
}

describe('whitemagic import', () => {
  it('moves an export of mem0 over in one command, and says what did not fit', async () => {
    const user = await node.newUser();
    const path = join(folder, 'mem0.json');
    const results = Array.from({ length: 120 }, (_, n) => ({
      id: `m${n}`,
      memory: n === 7 ? '' : `Fact ${n}`,
      user_id: 'ada',
    }));
    await writeFile(path, JSON.stringify({ results }));
    const { code, printed } = await run(user, [path, '--yes', '--project', 'moved']);
    expect(code).toBe(0);
    expect(printed).toContain('format        mem0');
    expect(printed).toContain('new memories  119');
    expect(printed).toContain('memory: required');
    expect(printed).toContain('completed: 119 memories and 0 versions imported');
    const memories = await memoriesOf(user);
    expect(memories.size).toBe(119);
    expect(memories.get('Fact 3')).toMatchObject({ project: 'moved', metadata: { source: 'mem0' } });
  });

  it('packs a folder, and imports nothing without a confirmation', async () => {
    const user = await node.newUser();
    const notes = join(folder, 'notes');
    await mkdir(join(notes, 'node_modules'), { recursive: true });
    await mkdir(join(notes, 'deep'));
    await writeFile(join(notes, 'CLAUDE.md'), '# Rules\n\nUse tabs.');
    await writeFile(join(notes, 'deep', 'one.md'), '---\ntitle: One\ntags: [a]\n---\nFirst.');
    await writeFile(join(notes, 'latin.md'), Buffer.from('caf\xe9', 'latin1'));
    await writeFile(join(notes, 'node_modules', 'README.md'), 'not mine');
    await writeFile(join(notes, 'image.png'), 'binary');
    const declined = await run(user, [notes], async () => false);
    expect(declined.code).toBe(1);
    expect(declined.printed).toContain('new memories  2');
    expect(declined.noted).toContain('latin.md: left out');
    expect((await memoriesOf(user)).size).toBe(0);
    expect((await user.api.get('/import')).body.results).toEqual([]);
    const { code } = await run(user, [notes], async () => true);
    expect(code).toBe(0);
    expect((await memoriesOf(user)).get('One')).toMatchObject({ tags: ['a'], metadata: { path: 'deep/one.md' } });
  });

  it('prints JSON, maps columns, and exits with 2 for wrong usage and 1 for a missing file', async () => {
    const user = await node.newUser();
    const path = join(folder, 'table.csv');
    await writeFile(path, 'wer,was\nKim,malt gern\n');
    const { code, printed } = await run(user, [path, '--dry-run', '--json', '--map', 'content=was']);
    expect(code).toBe(0);
    expect(JSON.parse(printed)).toMatchObject({ status: 'checked', format: 'csv', counts: { memories: 1 } });
    expect((await run(user, [])).code).toBe(2);
    expect((await run(user, [path, '--unknown'])).code).toBe(2);
    expect(await run(user, [join(folder, 'missing.json')])).toMatchObject({ code: 1 });
  });
});
