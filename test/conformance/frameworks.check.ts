import { execFile } from 'node:child_process';
import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestService, type TestService, type TestUser } from '../support/service.ts';
import { installPackages, installPython } from './tools.ts';

const run = promisify(execFile);
const ROOT = join(import.meta.dirname, '..', '..');
const CLIENTS = join(ROOT, 'mcp/clients');

let service: TestService;
let user: TestUser;

beforeAll(async () => {
  service = await startTestService();
  user = await service.newUser();
});
afterAll(() => service?.stop());

describe('agents with a memory', () => {
  it('of the Vercel AI SDK and LangChain remember and recall by the TypeScript client', async () => {
    const modules = await installPackages('frameworks');
    const client = join(modules, '@whitemagic/client');
    await run(process.execPath, [
      join(ROOT, 'node_modules/typescript/bin/tsc'),
      ...['-p', join(CLIENTS, 'typescript'), '--outDir', join(client, 'dist')],
    ]);
    await copyFile(join(CLIENTS, 'typescript/package.json'), join(client, 'package.json'));
    const folder = join(modules, '..');
    // The Vercel AI SDK needs Node 22.
    const node = join(modules, `node-${process.platform}-${process.arch}`, 'bin', 'node');
    for (const example of ['vercel-ai', 'langchain']) {
      await copyFile(join(CLIENTS, `typescript/examples/${example}.mjs`), join(folder, `${example}.mjs`));
      const args = [join(import.meta.dirname, 'frameworks.mjs'), example, service.url, user.apiKey, folder];
      const { stdout } = await run(node, args, { timeout: 60_000 });
      expect([example, stdout.trim()]).toEqual([example, 'Recalled: true']);
    }
  }, 650_000);

  it('of the OpenAI Agents SDK remember and recall over MCP', async () => {
    const python = await installPython();
    const script = join(import.meta.dirname, 'openai_agents.py');
    const args = ['-B', script, service.url, user.apiKey, join(CLIENTS, 'python/examples')];
    const { stdout } = await run(python, args, { timeout: 60_000 });
    expect(stdout.trim()).toBe('Recalled: True');
  }, 650_000);
});
