import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findProject, folderOfRoot } from '../../../mcp/cli/project.ts';
import { PipedBridge, until } from '../../support/bridge-pipe.ts';
import { mcpHandler, type Service, startService } from '../../support/bridge-service.ts';

let home = '';

beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), 'wm-project-'));
});
afterAll(() => rmSync(home, { recursive: true, force: true }));

function find(folder: string, env: Record<string, string> = {}) {
  return findProject({ env: { HOME: home, ...env }, platform: 'linux' }, join(home, folder));
}

/** Makes a repository with a remote, as `git` writes it. */
function repository(folder: string, remote?: string): void {
  const git = (...args: string[]) => execFileSync('git', args, { cwd: join(home, folder), stdio: 'pipe' });
  mkdirSync(join(home, folder), { recursive: true });
  git('init', '--quiet');
  if (remote) git('remote', 'add', 'origin', remote);
}

function withCredentials(address: string): string {
  return Object.assign(new URL(address), { username: 'user', password: 'token' }).href;
}

function put(path: string, text: string): void {
  mkdirSync(dirname(join(home, path)), { recursive: true });
  writeFileSync(join(home, path), text);
}

describe('project of a workspace', () => {
  it.each([
    ['https://github.com/Acme/Shop.git', 'acme/shop'],
    [withCredentials('https://github.com/acme/shop/'), 'acme/shop'],
    ['git@github.com:acme/shop.git', 'acme/shop'],
    ['ssh://git@git.example.com:2222/group/sub/shop.git', 'group/sub/shop'],
    ['https://dev.azure.com/acme/Big%20Shop/_git/shop', 'acme/big shop/_git/shop'],
    ['work:acme/shop', 'acme/shop'],
    ['/srv/git/shop.git', 'shop'],
    ['file:///srv/git/shop.git', 'shop'],
    ['C:\\repos\\shop', 'shop'],
  ])('is of the remote %s the name %s, without host and credentials', (remote, name) => {
    const folder = `remotes/${Buffer.from(remote).toString('base64url')}`;
    repository(folder, remote);
    expect(find(folder).name).toBe(name);
  });

  it('is the same in a folder below, a worktree and a repository with several remotes', () => {
    repository('clone', 'git@github.com:acme/shop.git');
    const git = (...args: string[]) => execFileSync('git', args, { cwd: join(home, 'clone'), stdio: 'pipe' });
    git('config', 'remote.abc.url', 'git@github.com:ann/shop.git');
    git('-c', 'user.name=a', '-c', 'user.email=a@b', 'commit', '--allow-empty', '-m', 'first');
    git('worktree', 'add', '../other', '-b', 'other');
    mkdirSync(join(home, 'clone/src/deep'), { recursive: true });
    for (const folder of ['clone', 'clone/src/deep', 'other']) expect(find(folder).name).toBe('acme/shop');
    expect(find('clone').from).toBe(`git remote of ${join(home, 'clone')}`);
  });

  it('is the folder without a remote, and none in the home folder and in those of the system', () => {
    repository('My Café');
    mkdirSync(join(home, 'My Café/src'));
    mkdirSync(join(home, 'plain'));
    expect(find('My Café/src').name).toBe('My Café'.normalize('NFC'));
    expect(find('plain')).toEqual({ name: 'plain', from: `folder ${join(home, 'plain')}` });
    for (const folder of ['.', 'AppData/Local/Claude/app-1.0', '../../../..', 'none'])
      expect(find(folder).name).toBe(undefined);
  });

  it('is that of .whitemagic.json where there is one, and of WHITEMAGIC_PROJECT before all', () => {
    repository('mono', 'git@github.com:acme/mono.git');
    put('mono/.whitemagic.json', '{ "project": "whole" }');
    put('mono/packages/api/.whitemagic.json', '{ "project": " api\\nof  the shop " }');
    put('mono/packages/web/.whitemagic.json', '{ "project": null }');
    put('mono/packages/bad/.whitemagic.json', '{ "project": 7 }');
    mkdirSync(join(home, 'mono/packages/api/src'));
    expect(find('mono').name).toBe('whole');
    expect(find('mono/packages').name).toBe('whole');
    expect(find('mono/packages/api/src').name).toBe('api of the shop');
    expect(find('mono/packages/web').name).toBe(undefined);
    expect(find('mono/packages/bad')).toMatchObject({ name: undefined, from: expect.stringContaining('which has no') });
    expect(find('mono', { WHITEMAGIC_PROJECT: 'mine' })).toEqual({ name: 'mine', from: 'WHITEMAGIC_PROJECT' });
    for (const none of ['none', '*']) expect(find('mono', { WHITEMAGIC_PROJECT: none }).name).toBe(undefined);
  });

  it('is that of the workspace which Claude Code and Cursor name, whatever folder they start the bridge in', () => {
    repository('opened', 'git@github.com:acme/opened.git');
    const opened = join(home, 'opened');
    expect(find('.', { CLAUDE_PROJECT_DIR: opened }).name).toBe('acme/opened');
    for (const paths of [opened, `${opened},/elsewhere`, JSON.stringify([opened])])
      expect(find('.', { WORKSPACE_FOLDER_PATHS: paths }).name).toBe('acme/opened');
  });
});

describe('workspace folders that a client lists over MCP', () => {
  let service: Service;
  beforeAll(async () => {
    service = await startService(mcpHandler('json'));
  });
  afterAll(() => service.stop());

  function bridge() {
    let project: string | undefined;
    return new PipedBridge(() => ({ url: service.url, key: 'wm_test_key', project }), {
      onRoots: (uris) => {
        project = folderOfRoot(uris[0])?.split('/').at(-1);
      },
    });
  }
  const roots = (folder: string) => ({ roots: [{ uri: pathToFileURL(join(home, folder)).href }] });
  const asked = (piped: PipedBridge) => piped.messages().filter(({ method }) => method === 'roots/list');
  const projects = () =>
    service.seen.filter(({ rpc }) => rpc.method === 'tools/call').map(({ headers }) => headers['x-whitemagic-project']);

  it('choose the project of every call, also of the one that was sent before they were known', async () => {
    const piped = bridge();
    await piped.ask('initialize', { protocolVersion: '2025-06-18', capabilities: { roots: { listChanged: true } } });
    piped.send({ method: 'notifications/initialized' });
    const early = piped.ask('tools/call', { name: 'echo', arguments: { text: 'x' } }, 'early');
    await until('the client is asked', () => asked(piped).length === 1);
    piped.send({ id: 'whitemagic-roots', result: roots('one') });
    expect((await early).result).toBeDefined();
    piped.send({ method: 'notifications/roots/list_changed' });
    await until('the client is asked again', () => asked(piped).length === 2);
    piped.send({ id: 'whitemagic-roots', result: roots('two') });
    await piped.ask('tools/call', { name: 'echo', arguments: { text: 'x' } });
    await piped.end();
    expect(projects()).toEqual(['one', 'two']);
    expect(service.seen.some(({ body }) => body.includes('whitemagic-roots'))).toBe(false);
  });

  it('are not asked for without the capability', async () => {
    const piped = bridge();
    await piped.ask('initialize', { capabilities: {} });
    piped.send({ method: 'notifications/initialized' });
    await piped.ask('tools/call', { name: 'echo', arguments: { text: 'x' } });
    await piped.end();
    expect(asked(piped)).toEqual([]);
  });
});
