import { execFile, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { marked, type Tokens } from 'marked';
import { transformWithEsbuild } from 'vite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { OPERATIONS, PUBLIC_OPERATIONS } from '../../../api/contracts/index.ts';
import { type Operation, pathParameters } from '../../../api/contracts/operation.ts';
import { callSamples } from '../../../api/docs-site/generated/call-samples.ts';
import { groupSamples } from '../../../api/docs-site/markdown.ts';
import { PAGE_NAMES, referenceTag } from '../../../api/docs-site/navigation.ts';
import { newSecret, signDelivery } from '../../../api/webhooks/signature.ts';
import { freePort } from '../../../db/embedded/free-port.ts';
import { startTestService, type TestService } from '../../support/service.ts';

const ROOT = join(import.meta.dirname, '../../..');
const LOCAL_URL = 'http://127.0.0.1:8787';
const run = promisify(execFile);
const hasPython = spawnSync('python3', ['--version']).status === 0;

/** Operations whose example is not executed as it is: it needs an object, ends the account, or writes a file. */
const NOT_RUN = ['account.delete', 'account.restore', 'account.export_state', 'account.export_file', 'user.usage_csv'];

let node: TestService;

beforeAll(async () => {
  node = await startTestService();
});
afterAll(() => node.stop());

const groupsIn = (markdown: string) =>
  groupSamples(marked.lexer(markdown)).filter((part): part is Tokens.Code[] => Array.isArray(part));

const written = PAGE_NAMES.filter((name) => !referenceTag(name)).flatMap((name) =>
  groupsIn(readFileSync(join(ROOT, `docs/${name}.md`), 'utf8')).map((blocks, index) => ({
    title: `${name} ${index + 1}`,
    blocks,
  })),
);

const generated = ([...OPERATIONS, ...PUBLIC_OPERATIONS] as unknown as Operation[])
  .filter(({ id, http, access }) => !access?.sessionOnly && !NOT_RUN.includes(id) && !pathParameters(http.path).length)
  .map((operation) => ({ title: operation.id, blocks: groupsIn(callSamples(operation, LOCAL_URL))[0] ?? [] }));

/** Runs a sample and returns what it prints. Fails for a status that is no success. */
async function execute(language: string | undefined, code: string): Promise<string> {
  if (language === 'sh') {
    // The samples print an error and go on, as a reader wants it; a test does not.
    const script = `set -euo pipefail; curl() { command curl -sS --fail-with-body "$@"; }\n${code}`;
    return (await run('bash', ['-c', script])).stdout;
  }
  if (language === 'python') return (await run('python3', ['-c', code])).stdout;
  return runTypeScript(code);
}

async function runTypeScript(code: string): Promise<string> {
  const printed: unknown[] = [];
  const checkedFetch = async (...request: Parameters<typeof fetch>) => {
    const response = await fetch(...request);
    expect(response.status, await response.clone().text()).toBeLessThan(300);
    return response;
  };
  const { code: script } = await transformWithEsbuild(code, 'sample.ts', { sourcemap: false });
  const AsyncFunction = (async () => undefined).constructor as new (
    ...parts: string[]
  ) => (fetch: unknown, console: unknown) => Promise<void>;
  await new AsyncFunction('fetch', 'console', script)(checkedFetch, {
    log: (...values: unknown[]) => printed.push(...values),
  });
  return printed.map((value) => JSON.stringify(value)).join(' ');
}

/** The receivers of webhooks in the documentation, as commands that run them. */
async function receivers(): Promise<[command: string, ...args: string[]][]> {
  const code = (lang: string) =>
    marked
      .lexer(readFileSync(join(ROOT, 'docs/webhooks.md'), 'utf8'))
      .find((token): token is Tokens.Code => token.type === 'code' && token.lang === lang)?.text ?? '';
  const script = await transformWithEsbuild(code('mts'), 'receiver.mts', { sourcemap: false });
  const node: [string, ...string[]] = [process.execPath, '--input-type=module', '-e', script.code];
  return hasPython ? [node, ['python3', '-c', code('py')]] : [node];
}

describe('code samples', () => {
  it('receive webhooks: they accept what is signed with the secret, and nothing else', async () => {
    for (const [command, ...args] of await receivers()) {
      const [port, secret] = [await freePort(), newSecret()];
      const env = { ...process.env, PORT: String(port), WEBHOOK_SECRET: secret };
      const child = spawn(command, args, { cwd: ROOT, env, stdio: ['ignore', 'pipe', 'inherit'] });
      const body = JSON.stringify({ type: 'memory.created', timestamp: new Date().toISOString(), data: {} });
      const signed = { id: 'event-1', timestamp: Math.floor(Date.now() / 1000), body };
      const send = (secrets: string[]) =>
        fetch(`http://localhost:${port}`, {
          method: 'POST',
          body,
          headers: {
            'webhook-id': signed.id,
            'webhook-timestamp': String(signed.timestamp),
            'webhook-signature': signDelivery(signed, secrets),
          },
        });
      await expect
        .poll(
          () =>
            send([newSecret()]).then(
              ({ status }) => status,
              () => 0,
            ),
          { timeout: 20_000 },
        )
        .toBe(401);
      const [printed, { status }] = await Promise.all([once(child.stdout, 'data'), send([newSecret(), secret])]);
      expect([command, status, String(printed[0]).trim()]).toEqual([command, 204, 'memory.created']);
      child.kill();
    }
  });

  it('are in three languages each', () => {
    expect(written.length).toBeGreaterThan(8);
    expect(generated.length).toBeGreaterThan(12);
    for (const { title, blocks } of [...written, ...generated]) {
      expect([title, ...blocks.map(({ lang }) => lang)]).toEqual([title, 'sh', 'ts', 'python']);
    }
  });

  it.each([...written, ...generated])('$title run, and print a result', async ({ blocks }) => {
    const user = await node.newUser();
    for (const { lang, text } of blocks) {
      if (lang === 'python' && !hasPython) continue;
      const memory = (await user.api.post('/memories', { content: `We deploy on Fridays: ${lang}.` })).body.id;
      const key = (await user.api.post('/user/keys', { name: 'Laptop' })).body.id;
      const code = text
        .replaceAll(LOCAL_URL, node.url)
        .replaceAll('YOUR_API_KEY', user.apiKey)
        .replaceAll('MEMORY_ID', memory)
        .replaceAll('KEY_ID', key)
        .replaceAll('import-42', `import-42-${lang}`);
      expect(await execute(lang, code), lang).toMatch(/\w/);
    }
  });
});
