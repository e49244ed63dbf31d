import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Cli } from '../../../mcp/cli/cli.ts';
import { runProgram } from '../../../mcp/cli/program.ts';
import { testCli } from '../../support/cli.ts';
import { startTestService, type TestService, type TestUser } from '../../support/service.ts';

let node: TestService;
let user: TestUser;
let folder: string;

beforeAll(async () => {
  node = await startTestService({ jobs: true });
  user = await node.newUser();
  folder = mkdtempSync(join(tmpdir(), 'wm-commands-'));
});
afterAll(async () => {
  await node.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** Runs a command as it runs in a pipe, or at a terminal with `columns`. */
async function run(args: string[], more: Partial<Cli> = {}, key = user.apiKey) {
  const env = { HOME: folder, WHITEMAGIC_URL: node.url, WHITEMAGIC_API_KEY: key, WHITEMAGIC_PROJECT: 'shop' };
  const cli = testCli({
    cwd: folder,
    delay: async () => void (await delay(50)),
    ...more,
    env: { ...env, ...more.env },
  });
  const code = await runProgram(args, cli);
  return { code, printed: cli.printed(), noted: cli.noted(), cli };
}
const piped = (content: string) => ({ input: async () => content });
const remember = async (args: string[], more: Partial<Cli> = {}) => (await run(['remember', ...args], more)).printed;

describe('commands for memories', () => {
  it('store, find, list, show, change and archive one, in the project of the folder', async () => {
    const id = await remember(['We', 'deploy on Fridays.', '--title', 'Deploys', '--tag', 'ops']);
    expect(id).toMatch(/^[0-9a-f-]{36}$/);
    const everywhere = await remember(['-', '-p', 'none'], piped('Ada prefers tabs.\n'));
    const other = await remember(['Deploys of the bakery are on Mondays.', '-p', 'bakery']);
    expect((await run(['remember', 'We deploy on Fridays.', '-t', 'Deploys'])).noted).toContain(
      'already stored in shop',
    );

    const found = await run(['search', 'when', 'do', 'we', 'deploy']);
    const today = new Date().toISOString().slice(0, 10);
    expect(found.printed.split('\n')[0]).toBe(`${id}\tDeploys\tshop\t${today}\tWe deploy on Fridays.`);
    expect(found.printed).not.toContain(other);
    expect((await run(['search', 'deploys', '-p', '*'])).printed).toContain(other);
    expect((await run(['list'])).printed.split('\n').map((line) => line.split('\t')[0])).toEqual([everywhere, id]);
    expect((await run(['list', '-p', 'none'])).printed).toBe(`${everywhere}\tAda prefers tabs.\t\t${today}`);
    expect(JSON.parse((await run(['list', '-n', '1', '--json'])).printed)).toMatchObject({
      total: 2,
      results: [{ content: 'Ada prefers tabs.' }],
    });
    expect(await run(['context', 'deploys'])).toMatchObject({
      code: 0,
      printed: expect.stringMatching(/<stored-memories[\s\S]*Fridays/),
    });

    expect((await run(['edit', id, '--content', '-', '--add-tag', 'ci'], piped('We deploy on Thursdays.'))).noted).toBe(
      'changed: Deploys (version 2)',
    );
    expect((await run(['show', id])).printed).toMatch(
      /^Deploys\nid {11}[0-9a-f-]{36}\nproject {6}shop\ntags {9}ops, ci\n[\s\S]*, version 2\n\nWe deploy on Thursdays\.$/,
    );
    expect((await run(['forget', id, other])).printed).toBe(`archived ${id}\narchived ${other}`);
    expect(await run(['search', 'Thursdays'])).toMatchObject({ printed: expect.not.stringContaining(id) });
    expect((await run(['forget', '--undo', '-'], piped(`${id}\n`))).printed).toBe(`restored ${id}`);
    expect((await run(['forget', '--permanent', id])).code).toBe(2);
    expect((await run(['forget', '--permanent', id], { confirm: async () => true })).printed).toBe(`deleted ${id}`);
  });

  it('open the editor, send only what was changed, and do not overwrite another change', async () => {
    const id = await remember(['First line.\n\n---\n\nLast line.', '-t', 'Editor']);
    const editing = (change: (text: string) => string, before = async () => undefined as unknown) => ({
      openEditor: async (path: string) => {
        await before();
        writeFileSync(path, change(readFileSync(path, 'utf8')));
        return 0;
      },
    });
    expect(
      (
        await run(
          ['edit', id],
          editing((shown) => shown),
        )
      ).noted,
    ).toBe('Nothing was changed.');
    const changed = editing((shown) => shown.replace('Last', 'Very last').replace('tags: ', 'tags: a, b'));
    expect((await run(['edit', id], changed)).code).toBe(0);
    const { body } = await user.api.get(`/memories/${id}`);
    expect(body).toMatchObject({
      content: 'First line.\n\n---\n\nVery last line.',
      tags: ['a', 'b'],
      project: 'shop',
      version: 2,
    });
    const late = await run(
      ['edit', id, '--json'],
      editing(
        (shown) => `${shown}!`,
        () => user.api.patch(`/memories/${id}`, { title: 'Mine' }),
      ),
    );
    expect(late).toMatchObject({ code: 1, noted: expect.stringContaining('Another program has changed this memory') });
    const broken = await run(
      ['edit', id],
      editing(() => 'no fields'),
    );
    expect(broken.noted).toContain(
      'The line "---" between the fields and the content is missing. Nothing was changed.',
    );
    expect(await run(['remember'], { ...editing(() => 'Written in the editor.'), input: undefined })).toMatchObject({
      code: 0,
    });
    expect(await run(['remember'], { openEditor: async () => 1 })).toMatchObject({
      code: 1,
      noted: expect.stringContaining('Nothing was changed'),
    });
  });

  it('print tables at a terminal, in colors unless NO_COLOR is set, and never the control characters of a text', async () => {
    await remember(['Evil \u001b]0;owned\u0007 \u001b[2J text', '-t', `Evil \u001b[31m${'long '.repeat(30)}`]);
    const plain = await run(['search', 'evil'], { columns: 90, env: { NO_COLOR: '1' } });
    const lines = plain.printed.split('\n');
    expect(lines[0]).toMatch(/^ID +TITLE +PROJECT {2}CHANGED$/);
    expect(lines[1]).toMatch(/^[0-9a-f-]{36} {2}Evil \[31mlong.*… {2}shop {5}\d{4}-/);
    expect(lines[2]).toMatch(/^ {2}Evil \]0;owned \[2J text/);
    for (const line of lines) expect([...line].length).toBeLessThanOrEqual(90);
    const colored = await run(['search', 'evil'], { columns: 90, env: {} });
    expect(colored.printed).toContain('\u001b[2mID');
    for (const { printed } of [
      plain,
      await run(['search', 'evil']),
      await run(['show', lines[1]?.slice(0, 36) ?? '']),
    ]) {
      expect(printed).not.toContain('\u001b');
    }
    expect(await run(['usage'], { columns: 90, env: { NO_COLOR: '1' } })).toMatchObject({
      code: 0,
      printed: expect.stringMatching(
        /^plan {9}enterprise\ncalls today {2}[█░]{20} \d+ of \d+, until \d\d:\d\d UTC\nstorage[\s\S]*\nDAY +CALLS/,
      ),
    });
  });

  it('exit with 2 for wrong usage, 3 for nothing found, 4 for a rejected key and 5 for an unreachable service', async () => {
    const codes = async (...args: string[]) => (await run(args)).code;
    expect(await codes('search', 'zzzzqqqq', '-p', 'empty')).toBe(3);
    expect(await codes('show', '019ad3d0-91b4-7d2e-a6f8-0c3b5e7d1a29')).toBe(3);
    expect(await codes('list', '--limit', '0')).toBe(2);
    expect(await codes('remember', ' ')).toBe(2);
    expect(await codes('open', 'nowhere')).toBe(2);
    const revoked = (await user.api.post('/user/keys', { name: 'gone' })).body;
    await user.api.delete(`/user/keys/${revoked.id}`);
    expect(await run(['list'], {}, revoked.api_key)).toMatchObject({
      code: 4,
      noted: expect.stringContaining('revoked'),
    });
    const away = await run(['list'], { env: { WHITEMAGIC_URL: 'http://127.0.0.1:3' } });
    expect(away).toMatchObject({ code: 5, noted: expect.stringContaining('cannot be reached (ECONNREFUSED)') });
    expect(await run(['list'], { env: { WHITEMAGIC_API_KEY: '', DATA_DIR: '/nonexistent' } })).toMatchObject({
      code: 4,
    });
  });

  it('search and print the context on the free plan, which has no REST API', async () => {
    const free = await node.newUser({ plan: 'free' });
    expect((await run(['search', 'anything'], {}, free.apiKey)).printed).toContain('No memories are stored yet');
    expect((await run(['context'], {}, free.apiKey)).printed).toContain('No memories are stored yet');
    expect(await run(['search', 'anything', '--json'], {}, free.apiKey)).toMatchObject({ code: 4 });
  });
});

describe('commands for the account', () => {
  it('export everything to a file or to stdout, and keep a file that exists', async () => {
    const path = join(folder, 'all.ndjson.gz');
    const states: string[] = [];
    expect(await run(['export', path], { status: (line) => void states.push(line) })).toMatchObject({ code: 0 });
    const kinds = gunzipSync(readFileSync(path))
      .toString()
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).kind);
    expect(kinds[0]).toBe('manifest');
    expect(kinds).toContain('memory');
    expect(states.some((line) => line.endsWith('downloaded 100 %'))).toBe(true);
    expect(states.at(-1)).toBe('');
    expect(existsSync(`${path}.part`)).toBe(false);
    expect((await run(['export', path])).code).toBe(2);
    const { cli } = await run(['export', '-']);
    cli.output.end();
    expect(cli.printed()).toBe('');
    expect(await text(cli.output as never)).not.toBe('');
  });

  it('create, rotate and revoke keys, printing a new key alone', async () => {
    const made = await run(['keys', 'create', 'CI', '--scope', 'memories:read', '--project', 'shop']);
    expect(made.printed).toMatch(/^wm_test_[0-9A-Za-z]{32}$/);
    expect(made.noted).toBe('CI: memories:read; projects shop. It is not shown again.');
    const row = (await run(['keys'])).printed.split('\n').find((line) => line.includes('\tCI\t')) ?? '';
    const id = row.split('\t')[0] ?? '';
    expect((await run(['keys', 'rotate', id])).code).toBe(2);
    const rotated = await run(['keys', 'rotate', id, '--yes']);
    expect(rotated.printed).toMatch(/^wm_test_/);
    expect((await run(['list'], {}, rotated.printed)).code).toBe(0);
    const present = (await run(['keys'])).printed.split('\n').find((line) => /\tCI\t.*\tactive$/.test(line)) ?? '';
    expect((await run(['keys', 'revoke', present.split('\t')[0] ?? '', '-y'])).printed).toContain('revoked ');
    expect((await run(['list'], {}, rotated.printed)).code).toBe(4);
  });

  it('open the dashboard, a page or a memory', async () => {
    const id = '019ad3d0-91b4-7d2e-a6f8-0c3b5e7d1a29';
    for (const [page, path] of [
      [[], '/app'],
      [['keys'], '/app/keys'],
      [[id], `/app/memories/${id}`],
    ] as const) {
      expect((await run(['open', ...page])).cli.opened).toEqual([node.url + path]);
    }
    expect((await run(['open', 'docs', '--no-browser'])).printed).toBe(`${node.url}/docs`);
  });

  it('complete commands, subcommands, options and files in bash', async () => {
    const script = join(folder, 'completion.bash');
    writeFileSync(script, (await run(['completion', 'bash'])).printed);
    const complete = (...words: string[]) =>
      execFileSync(
        'bash',
        [
          '-c',
          `source ${script}; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _whitemagic; echo "\${COMPREPLY[*]}"`,
          'x',
          'whitemagic',
          ...words,
        ],
        { encoding: 'utf8', cwd: folder },
      ).trim();
    expect(complete('se')).toBe('setup search');
    expect(complete('keys', 'r')).toBe('rotate revoke');
    expect(complete('search', 'deploy', '--li')).toBe('--limit');
    expect(complete('completion', '')).toContain('bash zsh fish');
    expect(complete('import', 'all')).toBe('all.ndjson.gz');
    for (const shell of ['zsh', 'fish'])
      expect((await run(['completion', shell])).printed).not.toMatch(/session-start|undefined/);
  });
});

describe('hooks', () => {
  const hook = (event: string, input: object, args: string[] = [], more: Partial<Cli> = {}) =>
    run(['hook', event, ...args], { ...piped(JSON.stringify(input)), ...more });

  it('give a session the context of its project, within a token budget', async () => {
    for (const n of [1, 2, 3]) await remember([`${'Long fact. '.repeat(200)} Number ${n}`, '-p', 'hooked']);
    const env = { WHITEMAGIC_PROJECT: 'hooked' };
    const started = await hook(
      'session-start',
      { session_id: 's', cwd: folder, source: 'startup' },
      ['--max-tokens', '300'],
      { env },
    );
    const { hookSpecificOutput } = JSON.parse(started.printed);
    expect(hookSpecificOutput.hookEventName).toBe('SessionStart');
    expect(hookSpecificOutput.additionalContext).toMatch(
      /^Memories of earlier sessions of "hooked" and of no project.*\n<stored-memories/,
    );
    expect(hookSpecificOutput.additionalContext.length).toBeLessThan(300 * 6);
    const cursor = await hook(
      'session-start',
      { conversation_id: 's', workspace_roots: [folder] },
      ['--client', 'cursor'],
      { env },
    );
    expect(JSON.parse(cursor.printed).additional_context).toContain('<stored-memories');
    const compacted = await hook('session-start', { session_id: 's', source: 'compact' }, [], { env });
    expect(compacted.printed).toContain('store each item with the tool create_memory before you go on');
    expect((await hook('pre-compact', { session_id: 's' })).printed).toContain(
      'a section \\"To remember\\"'.replaceAll('\\', ''),
    );
  });

  it('never stop a session: an unreachable service, another input or an empty memory print nothing', async () => {
    const away = await hook('session-start', {}, [], { env: { WHITEMAGIC_URL: 'http://127.0.0.1:3' } });
    expect(away).toMatchObject({ code: 0, printed: '', noted: expect.stringContaining('cannot be reached') });
    expect(
      await hook('session-start', {}, [], { ...piped('not json'), env: { WHITEMAGIC_HOOKS: 'off' } }),
    ).toMatchObject({ code: 0, printed: '', noted: '' });
    const empty = await node.newUser();
    const cli = await run(['hook', 'session-start'], piped('{}'), empty.apiKey);
    expect(cli).toMatchObject({ code: 0, printed: '', noted: '' });
  });

  it('ask what to keep after five replies, then after fifteen, three times a session, and not while the model stores', async () => {
    const asked = async (session: string, replies: number, more: object = {}, args: string[] = []) => {
      const questions: number[] = [];
      for (let n = 1; n <= replies; n++)
        if ((await hook('stop', { session_id: session, ...more }, args)).printed) questions.push(n);
      return questions;
    };
    expect(await asked('one', 70)).toEqual([5, 20, 35]);
    expect((await hook('stop', { session_id: 'two', stop_hook_active: true })).printed).toBe('');
    const transcript_path = join(folder, 'transcript.jsonl');
    writeFileSync(transcript_path, '{"type":"tool_use","name":"mcp__whitemagic__create_memory","input":{}}\n');
    expect(await asked('three', 10, { transcript_path })).toEqual([]);
    await asked('four', 4, {}, ['--client', 'gemini']);
    const question = await hook('stop', { session_id: 'four' }, ['--client', 'gemini']);
    expect(JSON.parse(question.printed)).toEqual({
      decision: 'deny',
      reason: expect.stringContaining('create_memory'),
    });
  });
});
