import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cleanEnv, fromSource } from '../support/bridge-process.ts';
import { startTestService, type TestService, type TestUser } from '../support/service.ts';
import { installPackages, installPython, runOnNewerNode } from './tools.ts';

const run = promisify(execFile);
const CALL_MS = 90_000;

let service: TestService;
let user: TestUser;
let inspector: string;
let python: string;

beforeAll(async () => {
  service = await startTestService();
  user = await service.newUser();
  [inspector, python] = await Promise.all([installPackages('inspector'), installPython()]);
}, 650_000);
afterAll(() => service?.stop());

const environment = () => cleanEnv({ WHITEMAGIC_URL: service.url, WHITEMAGIC_API_KEY: user.apiKey });

describe('MCP clients', () => {
  describe.each(['legacy', 'modern', 'auto'])('the Inspector in the era %s', (era) => {
    it.each([
      ['tools/list', ['--method', 'tools/list'], 'search_memories'],
      ['tools/call', ['--method', 'tools/call', '--tool-name', 'list_memories'], 'stored'],
      ['resources/list', ['--method', 'resources/list'], 'memory://tags'],
      ['prompts/list', ['--method', 'prompts/list'], 'recall_for_task'],
    ])('gets the result of %s', async (_method, args, expected) => {
      const target = [
        '--cli',
        `${service.url}/mcp`,
        '--transport',
        'http',
        '--header',
        `Authorization: Bearer ${user.apiKey}`,
      ];
      const script = join('@modelcontextprotocol', 'inspector', 'clients', 'launcher', 'build', 'index.js');
      const { code, output, log } = await runOnNewerNode(
        inspector,
        script,
        [...target, '--protocol-era', era, ...args],
        CALL_MS,
      );
      expect({ code, log: code === 0 ? '' : log + output }).toEqual({ code: 0, log: '' });
      expect(output).toContain(expected);
    });
  });

  it.each([
    ['mcp', 'http'],
    ['mcp', 'stdio'],
    ['fastmcp', 'http'],
    ['fastmcp', 'stdio'],
  ])('of Python, %s over %s, stores a memory and finds it', async (library, transport) => {
    const script = join(import.meta.dirname, 'clients.py');
    const args = [
      script,
      library,
      transport,
      `${service.url}/mcp`,
      user.apiKey,
      process.execPath,
      ...fromSource,
      'mcp',
    ];
    const { stdout } = await run(python, args, { timeout: CALL_MS });
    expect(stdout.trim()).toBe('ok');
  });

  it.each(['legacy', 'auto', 'modern'] as const)(
    'of TypeScript 2.x over the bridge in the era %s stores a memory and finds it',
    async (era) => {
      const mode = era === 'modern' ? { pin: '2026-07-28' } : era;
      const client = new Client({ name: 'test', version: '2' }, { versionNegotiation: { mode } });
      const env = environment();
      await client.connect(new StdioClientTransport({ command: process.execPath, args: [...fromSource, 'mcp'], env }));
      await client.callTool({ name: 'create_memory', arguments: { title: 'Port', content: `The port of ${era}.` } });
      const found = await client.callTool({ name: 'search_memories', arguments: { query: `port ${era}` } });
      expect(JSON.stringify(found.content)).toContain(`The port of ${era}.`);
      await client.close();
    },
  );
});
