import { spawn } from 'node:child_process';
import { lstatSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RunOptions, TestedClient } from './client-list.ts';
import { startRecordingProxy } from './recording-proxy.ts';

/** One row of the table. Undefined: the step does not apply. */
export interface ClientReport {
  name: string;
  version: string;
  how: string;
  setUp: boolean | undefined;
  connected: boolean;
  tools: boolean;
  /** The client shows that the key is wrong. */
  wrongKey: boolean;
  /** It works again after the service was away. */
  back: boolean;
  /** A session begins with the context of the memory. Undefined: it has no hooks, or they were not run. */
  context: boolean | undefined;
  /** The output of a step that failed. */
  output: string;
}

/** The service, the key and the programs that every client is tested with. */
export interface Surroundings {
  serviceUrl: string;
  key: string;
  /** The command line of this checkout. */
  cli: string;
  model: string;
  /** Bodies of the requests to the model. */
  modelRequests: string[];
  /** A text that a memory of the key's account holds. */
  remembered: string;
  /** Write address and key instead of the bridge. */
  isDirect: boolean;
}

const TIMEOUT_MS = 120_000;
/** Words by which a client shows that a key was rejected. */
const KEY_WORDS = /reject|401|unauthori[sz]ed|API key|needs authentication|not valid/i;

/** Sets a client up in a home of its own and lets it connect: with the key, with a wrong one, and after the service was away. */
export async function testClient(
  client: TestedClient,
  folder: string,
  version: string,
  given: Surroundings,
): Promise<ClientReport> {
  const home = mkdtempSync(join(tmpdir(), 'whitemagic-client-'));
  let proxy = await startRecordingProxy(given.serviceUrl);
  const { url } = proxy;
  const port = Number(new URL(url).port);
  const env = {
    HOME: home,
    PATH: `${join(folder, 'node_modules', '.bin')}:${process.env.PATH}`,
    NO_COLOR: '1',
    CI: '1',
  };
  const options = (key: string): RunOptions => ({
    model: given.model,
    bridge: [process.execPath, given.cli, 'mcp'],
    url,
    key,
  });
  const check = async (key: string) => {
    proxy.messages.length = 0;
    const run = await runProgram(
      client.program,
      client.args(options(key)),
      { ...env, ...client.env?.(options(key)) },
      home,
    );
    const passed = (...methods: string[]) =>
      proxy.messages.some(({ method, status }) => methods.includes(method) && status === 200);
    return { ...run, connected: passed('initialize', 'server/discover'), tools: passed('tools/list') };
  };
  const startsWithContext = async ({ args, env: own }: NonNullable<TestedClient['session']>) => {
    given.modelRequests.length = 0;
    const values = options(given.key);
    await runProgram(client.program, args(values), { ...env, ...own?.(values) }, home);
    return given.modelRequests.some((body) => body.includes(given.remembered));
  };
  try {
    client.prepare?.(home);
    let setUp: boolean | undefined;
    if (client.id) {
      const args = [
        given.cli,
        'setup',
        '--yes',
        '--client',
        client.id,
        '--url',
        url,
        ...(given.isDirect ? ['--http'] : []),
        ...(client.session ? ['--hooks'] : []),
      ];
      setUp = (await runProgram(process.execPath, args, { ...env, WHITEMAGIC_API_KEY: given.key }, home)).code === 0;
    }
    const good = await check(given.key);
    const context = client.session && (await startsWithContext(client.session));
    await proxy.stop();
    await check(given.key);
    proxy = await startRecordingProxy(given.serviceUrl, port);
    const back = await check(given.key);
    const wrong = wrongKey(given.key);
    replaceKey(home, given.key, wrong);
    const rejected = await check(wrong);
    return {
      name: client.name,
      version,
      how: client.how,
      setUp,
      connected: good.connected,
      tools: good.tools,
      wrongKey: !rejected.connected && KEY_WORDS.test(rejected.output),
      back: back.connected,
      context,
      output: [good, rejected].map(({ output }) => output.slice(-600)).join('\n--- wrong key ---\n'),
    };
  } finally {
    await proxy.stop().catch(() => undefined);
    rmSync(home, { recursive: true, force: true, maxRetries: 3 });
  }
}

/** Puts another key into every file of a home, where `setup` and the client wrote the first. */
function replaceKey(home: string, key: string, other: string): void {
  for (const name of readdirSync(home, { recursive: true, encoding: 'utf8' })) {
    const path = join(home, name);
    if (!/\.(json|jsonc|toml)$/.test(name) || !lstatSync(path).isFile()) continue;
    const text = readFileSync(path, 'utf8');
    if (text.includes(key)) writeFileSync(path, text.replaceAll(key, other));
  }
}

/** Returns a key of the same form that does not exist. */
function wrongKey(key: string): string {
  return key.slice(0, -32) + [...key.slice(-32)].reverse().join('');
}

function runProgram(
  program: string,
  args: string[],
  env: Record<string, string>,
  cwd: string,
): Promise<{ code: number | null; output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        output = (output + text).slice(-20_000);
      });
    }
    // Clients leave programs behind, which would keep the pipes open.
    const end = () => process.kill(-(child.pid as number), 'SIGKILL');
    const timer = setTimeout(end, TIMEOUT_MS);
    child.on('error', reject);
    child.on('exit', (code) => {
      clearTimeout(timer);
      try {
        end();
      } catch {
        // Nothing was left behind.
      }
      resolve({ code, output });
    });
  });
}
