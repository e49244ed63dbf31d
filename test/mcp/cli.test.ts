import { execSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import zlib from 'node:zlib';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { runProgram } from '../../mcp/cli/program.ts';
import { until } from '../support/bridge-pipe.ts';
import { checkout, cleanEnv, fromSource, isAlive, Run } from '../support/bridge-process.ts';
import {
  type Handler,
  mcpHandler,
  respondSuccessfully,
  type Service,
  startService,
} from '../support/bridge-service.ts';
import { testCli } from '../support/cli.ts';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 120_000 });

const own = JSON.parse(readFileSync(join(checkout, 'mcp/cli/package.json'), 'utf8')) as { version: string };
const services: Service[] = [];
const runs: Run[] = [];
const clients: Client[] = [];
const folders: string[] = [];

afterEach(async () => {
  for (const client of clients.splice(0)) await client.close();
  for (const run of runs.splice(0)) run.child.kill('SIGKILL');
  for (const service of services.splice(0)) await service.stop();
});

afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

async function serve(handler: Handler, port?: number): Promise<Service> {
  const service = await startService(handler, port);
  services.push(service);
  return service;
}

function run(args: string[], env: Record<string, string> = {}, cwd = '/'): Run {
  const started = new Run(args, cleanEnv(env), { cwd });
  runs.push(started);
  return started;
}

function runBridge(env: Record<string, string>): Run {
  return run([...fromSource, 'mcp'], { WHITEMAGIC_API_KEY: 'wm_test_key', ...env });
}

function folder(): string {
  const made = mkdtempSync(join(tmpdir(), 'wm-bridge-'));
  folders.push(made);
  return made;
}

/** Connects the SDK's own client, which starts the bridge as an IDE does. */
async function connect(env: Record<string, string>): Promise<Client> {
  const client = new Client({ name: 'ide', version: '1.0.0' });
  const args = [...fromSource, 'mcp'];
  await client.connect(new StdioClientTransport({ command: process.execPath, args, env: cleanEnv(env), cwd: '/' }));
  clients.push(client);
  return client;
}

async function echo(client: Client, text: string, name = 'echo'): Promise<string> {
  const result = await client.callTool({ name, arguments: { text } });
  return (result.content as { text: string }[])[0]?.text ?? '';
}

/** Starts a service in its own process. */
async function startUpstream(port = 0): Promise<{ child: Run; port: number }> {
  const script = join(checkout, 'test/support/bridge-upstream.ts');
  const child = run(['--import', import.meta.resolve('tsx'), script, String(port)]);
  await until('the service listens', () => child.stdout.includes('\n'), 20_000);
  return { child, port: Number(child.stdout) };
}

describe('IDE through `whitemagic mcp`', () => {
  test.each(['json', 'sse'] as const)('gets the server’s tools and results from %s responses', async (mode) => {
    const service = await serve(mcpHandler(mode));
    const client = await connect({ WHITEMAGIC_URL: service.url, WHITEMAGIC_API_KEY: 'wm_test_key' });
    expect(client.getServerVersion()).toEqual({ name: 'whitemagic-test', version: '1.0.0' });
    expect((await client.listTools()).tools.map((tool) => tool.name)).toEqual(['echo', 'slow_echo', 'progress']);
    const texts = Array.from({ length: 100 }, (_, n) => `call ${n} ½🦄\u2028`);
    expect(await Promise.all(texts.map((text) => echo(client, text, 'slow_echo')))).toEqual(texts);
    expect(service.seen.at(-1)?.headers['mcp-protocol-version']).toBe('2025-11-25');
  });

  test('receives progress notifications while a call runs', async () => {
    const service = await serve(mcpHandler('sse'));
    const client = await connect({ WHITEMAGIC_URL: service.url, WHITEMAGIC_API_KEY: 'wm_test_key' });
    const received: number[] = [];
    const onprogress = ({ progress }: { progress: number }) => received.push(progress);
    await client.callTool({ name: 'progress', arguments: { text: 'x' } }, undefined, { onprogress });
    expect(received).toEqual([1, 2, 3]);
  });

  test('gets a tool error while the service is down, and works again after its restart', async () => {
    const first = await startUpstream();
    const client = await connect({
      WHITEMAGIC_URL: `http://127.0.0.1:${first.port}`,
      WHITEMAGIC_API_KEY: 'wm_test_key',
    });
    expect(await echo(client, 'before')).toBe('before');
    first.child.child.kill('SIGKILL');
    await first.child.exited;
    expect(await echo(client, 'meanwhile')).toContain('cannot be reached (ECONNREFUSED)');
    const meanwhile = echo(client, 'during the start');
    await startUpstream(first.port);
    expect(await meanwhile).toMatch(/during the start|cannot be reached/);
    expect(await echo(client, 'after')).toBe('after');
  });

  test('gets an error from initialize for a wrong key', async () => {
    const service = await serve(mcpHandler('json'));
    const opening = connect({ WHITEMAGIC_URL: service.url, WHITEMAGIC_API_KEY: 'wm_wrong' });
    await expect(opening).rejects.toThrow(/rejected the API key from WHITEMAGIC_API_KEY \(401\)/);
  });
});

describe('stdout of the bridge', () => {
  test('contains only JSON-RPC, and stderr the state of the connection, with WHITEMAGIC_DEBUG every message', async () => {
    const service = await serve((seen, response) => {
      if (seen.rpc.method === 'tools/call') return void response.destroy();
      respondSuccessfully(seen, response);
    });
    for (const debug of ['', '1']) {
      const bridge = runBridge({ WHITEMAGIC_URL: service.url, WHITEMAGIC_DEBUG: debug });
      bridge.child.stdin.write('not json\n[]\n\n{"jsonrpc":"2.0","method":"notifications/initialized"}\n');
      bridge.send({ id: 1, method: 'initialize', params: {} });
      bridge.send({ id: 2, method: 'tools/call', params: { name: 'x' } });
      bridge.child.stdin.end();
      // The call was still being repeated when the input ended.
      expect(await bridge.exited).toEqual({ code: 1, signal: null });
      expect(
        bridge
          .messages()
          .map((message) => message.id)
          .sort(),
      ).toEqual([1, 2, null, null]);
      if (debug) expect(bridge.stderr).toMatch(/^whitemagic: tools\/call 2: The bridge ended before WhiteMagic/m);
      else expect(bridge.stderr).toMatch(/^(whitemagic: .*\n){1,2}$/);
      expect(bridge.stderr).toContain('the input ended before the service responded to 1 request\n');
      expect(bridge.stderr).not.toContain('wm_test_key');
    }
  });
});

describe('bridge process', () => {
  test.each(['SIGTERM', 'SIGINT'] as const)('exits cleanly on %s, even with a pending request', async (signal) => {
    const service = await serve(() => undefined);
    const bridge = runBridge({ WHITEMAGIC_URL: service.url });
    bridge.send({ id: 1, method: 'tools/call', params: {} });
    await until('the call arrives', () => service.seen.length === 1, 20_000);
    bridge.child.kill(signal);
    expect(await bridge.exited).toEqual({ code: 0, signal: null });
  });

  test('exits when its stdout is closed', async () => {
    const service = await serve(respondSuccessfully);
    const bridge = runBridge({ WHITEMAGIC_URL: service.url });
    bridge.child.stdout.destroy();
    const pinging = setInterval(() => bridge.send({ id: 1, method: 'ping' }), 50);
    expect(await bridge.exited).toEqual({ code: 0, signal: null });
    clearInterval(pinging);
  });

  test('exits on SIGTERM while the IDE does not read its stdout', async () => {
    const big = 'x'.repeat(1_000_000);
    const service = await serve((seen, response) =>
      respondSuccessfully({ ...seen, rpc: { ...seen.rpc, params: { big } } }, response),
    );
    const bridge = runBridge({ WHITEMAGIC_URL: service.url });
    bridge.child.stdout.pause();
    for (let id = 0; id < 5; id++) bridge.send({ id, method: 'ping' });
    await until('the calls arrive', () => service.seen.length === 5, 20_000);
    await new Promise((resolve) => setTimeout(resolve, 300));
    bridge.child.kill('SIGTERM');
    const code = await new Promise((resolve) => bridge.child.on('exit', resolve));
    expect(code).toBe(0);
  });

  test('exits when its parent is killed', async () => {
    const service = await serve(respondSuccessfully);
    const parent = join(checkout, 'test/support/bridge-parent.ts');
    const env = { WHITEMAGIC_URL: service.url, WHITEMAGIC_API_KEY: 'wm_test_key' };
    const ide = run(['--import', import.meta.resolve('tsx'), parent, process.execPath, ...fromSource, 'mcp'], env);
    await until('the bridge starts', () => ide.stdout.includes('\n'), 20_000);
    const pid = Number(ide.stdout);
    expect(isAlive(pid)).toBe(true);
    ide.child.kill('SIGKILL');
    await until('the bridge is gone', () => !isAlive(pid), 20_000);
  });
});

describe('settings of the bridge', () => {
  const writeCredentials = (dataDir: string, url: string) => {
    mkdirSync(dataDir, { recursive: true });
    writeFileSync(join(dataDir, 'credentials.json'), JSON.stringify({ url, api_key: 'wm_test_key' }));
  };
  const ping = async (env: Record<string, string>) => {
    const bridge = run([...fromSource, 'mcp'], env, tmpdir());
    bridge.send({ id: 1, method: 'tools/call', params: { name: 'echo', arguments: { text: 'hello' } } });
    bridge.child.stdin.end();
    await bridge.exited;
    return bridge.answerTo(1)?.result?.content?.[0]?.text;
  };

  test('come from the file that `npm start` wrote, from any working directory', async () => {
    const service = await serve(mcpHandler('json'));
    const DATA_DIR = folder();
    writeCredentials(DATA_DIR, service.url);
    expect(await ping({ DATA_DIR })).toBe('hello');
    expect(await ping({ DATA_DIR, WHITEMAGIC_URL: service.url.replace('127.0.0.1', 'localhost') })).toBe('hello');
  });

  test('from the environment have precedence, and the key of the file is sent only to the service of the file', async () => {
    const service = await serve(mcpHandler('json'));
    const other = await serve(mcpHandler('json'));
    const DATA_DIR = folder();
    writeCredentials(DATA_DIR, service.url);
    expect(await ping({ DATA_DIR, WHITEMAGIC_URL: other.url })).toContain('WHITEMAGIC_API_KEY is not set.');
    expect(other.seen).toHaveLength(0);
    expect(await ping({ DATA_DIR, WHITEMAGIC_API_KEY: 'wm_other' })).toContain(
      'rejected the API key from WHITEMAGIC_API_KEY',
    );
  });

  test('that are missing are named in a tool error', async () => {
    expect(await ping({})).toMatchInlineSnapshot(
      `"WHITEMAGIC_URL is not set. Put the address of your WhiteMagic service and WHITEMAGIC_API_KEY in the "env" of this server in your MCP configuration, then restart the server; in a checkout, "npm start" once is enough."`,
    );
  });
});

describe('published package', () => {
  let installed = '';
  let tarball = '';

  beforeAll(async () => {
    const source = folder();
    for (const file of ['package.json', 'README.md', 'LICENSE']) {
      cpSync(join(checkout, 'mcp/cli', file), join(source, file));
    }
    // Of the build, which has no types.
    const build: { bundleCli(root: string, outdir: string): Promise<void> } = await import(
      pathToFileURL(join(checkout, 'scripts/bootstrap/bundle.mjs')).href
    );
    await build.bundleCli(checkout, join(source, 'dist'));

    installed = folder();
    const npm = (command: string, options: { cwd: string }) =>
      execSync(`npm ${command} --loglevel=error`, { ...options, encoding: 'utf8' }).trim();
    tarball = join(installed, npm(`pack --pack-destination ${installed}`, { cwd: source }));
    npm(`install --offline ${tarball}`, { cwd: installed });
  });

  const runInstalled = (name: string, args: string[], env: Record<string, string> = {}) => {
    const started = new Run(args, cleanEnv(env), {}, join(installed, 'node_modules/.bin', name));
    runs.push(started);
    return started;
  };

  test('is smaller than 100 kB and depends on no other package', () => {
    expect(statSync(tarball).size).toBeLessThan(100_000);
    const packages = readdirSync(join(installed, 'node_modules')).filter((name) => !name.startsWith('.'));
    expect(packages).toEqual(['whitemagic']);
  });

  test('has the version of the server', () => {
    expect(own.version).toBe(JSON.parse(readFileSync(join(checkout, 'package.json'), 'utf8')).version);
  });

  test('runs the bridge under both of its command names', async () => {
    const service = await serve(mcpHandler('json'));
    for (const [name, args] of [
      ['whitemagic', ['mcp']],
      ['whitemagic-mcp', []],
      ['whitemagic', []],
    ] as const) {
      const bridge = runInstalled(name, [...args], { WHITEMAGIC_URL: service.url, WHITEMAGIC_API_KEY: 'wm_test_key' });
      bridge.send({ id: 1, method: 'tools/list' });
      await until('the tool list arrives', () => bridge.answerTo(1) !== undefined, 20_000);
      bridge.child.stdin.end();
      expect(await bridge.exited).toEqual({ code: 0, signal: null });
    }
    expect(service.seen.at(-1)?.headers['user-agent']).toBe(`whitemagic-stdio/${own.version}`);
  });

  test('prints its version and help, and rejects an unknown command', async () => {
    const runCommand = async (...args: string[]) => {
      const command = runInstalled('whitemagic', args);
      return { ...(await command.exited), stdout: command.stdout, stderr: command.stderr };
    };
    expect(await runCommand('--version')).toMatchObject({ code: 0, stdout: `${own.version}\n`, stderr: '' });
    expect(await runCommand('--help')).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('Usage: whitemagic [options] [command]'),
    });
    expect(await runCommand('doctor')).toMatchObject({ code: 1, stdout: expect.stringContaining('FAIL  URL') });
    expect(await runCommand('mpc')).toMatchObject({
      code: 2,
      stdout: '',
      stderr: expect.stringContaining("unknown command 'mpc'\n(Did you mean mcp?)"),
    });
  });
});

describe('`whitemagic doctor`', () => {
  const sample = (() => {
    const digits = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
    const start = 'wm_test_AbCdEfGhIjKlMnOpQrStUvWxYz';
    let crc = '';
    for (let rest = zlib.crc32(start); rest > 0; rest = Math.floor(rest / 62)) crc = digits[rest % 62] + crc;
    return start + crc.padStart(6, '0');
  })();
  const runCommand = async (env: Record<string, string>) => {
    const cli = testCli({ env: { HOME: '/nonexistent', PATH: '', ...env }, version: own.version });
    const code = await runProgram(['doctor'], cli);
    const shown = `${cli.printed()}\n`.replaceAll(/\d+ ms/g, 'N ms').replaceAll(/127\.0\.0\.1:\d+/g, 'HOST');
    return {
      code,
      shown: shown.replace(process.versions.node, 'NODE').replace(own.version, 'VERSION'),
      all: cli.printed() + cli.noted(),
    };
  };

  test('reports ok for valid settings and never shows the key', async () => {
    const service = await serve(mcpHandler('json', sample));
    const { code, shown, all } = await runCommand({ WHITEMAGIC_URL: service.url, WHITEMAGIC_API_KEY: sample });
    expect(shown.replace(sample.slice(-4), 'LAST')).toMatchInlineSnapshot(`
      "ok    bridge                    VERSION
      ok    Node                      NODE
      ok    URL                       http://HOST from WHITEMAGIC_URL
      ok    key                       wm_test_…LAST from WHITEMAGIC_API_KEY, checksum valid
      ok    project                   none (/ is no workspace)
      ok    GET /health               N ms
      ok    GET /ready                N ms
      ok    POST /mcp (initialize)    N ms  MCP 2025-11-25
      "
    `);
    expect(code).toBe(0);
    expect(all).not.toContain(sample.slice(8, 20));
  });

  test('reports a mistyped key and how to fix it', async () => {
    const service = await serve(mcpHandler('json', sample));
    const wrong = sample.replace('AbCd', 'AbCe');
    const { code, shown } = await runCommand({ WHITEMAGIC_URL: `${service.url}/mcp`, WHITEMAGIC_API_KEY: wrong });
    expect(code).toBe(1);
    expect(shown).toContain('checksum NOT valid');
    expect(shown).toMatch(/FAIL {2}POST \/mcp .*\n {6}-> WhiteMagic at .* rejected the API key/);
  });

  test('reports missing settings and an unreachable service', async () => {
    const nothing = await runCommand({});
    expect(nothing.code).toBe(1);
    expect(nothing.shown).toContain(
      '-> WHITEMAGIC_URL is not set. Put the address of your WhiteMagic service and WHITEMAGIC_API_KEY in the environment, or run "whitemagic login',
    );
    const gone = await startService(respondSuccessfully);
    await gone.stop();
    const unreachable = await runCommand({ WHITEMAGIC_URL: gone.url, WHITEMAGIC_API_KEY: sample });
    expect(unreachable.code).toBe(1);
    expect(unreachable.shown.match(/FAIL .*\n {6}-> .*ECONNREFUSED/g)).toHaveLength(3);
  });
});
