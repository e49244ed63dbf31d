import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { readCredentials } from '../api/accounts/local-owner.ts';

/*
 * The whole product in one minute: a service on a data directory of its own, the MCP SDK's client through the stdio
 * bridge, this project's documents as memories, ten questions, a context package, and what was metered.
 */

/** What a newcomer asks, and the section that answers it. */
const QUESTIONS: [question: string, section: string][] = [
  ['How do I start the service on another port?', 'Start the service'],
  ['Where is my API key kept?', 'Find your API key'],
  ['Can each repository have memories of its own?', 'Give every repository its own memories'],
  ['What happens when I store exactly the same thing twice?', 'Exact duplicates'],
  ['How do I undo an edit of a memory?', 'Editing, history and undo'],
  ['What does the doctor command check?', 'When a client does not connect'],
  ['Which memories become long-term knowledge?', 'Consolidation'],
  ['What is the shape of an error?', 'Errors'],
  ['Where do e-mails go when there is no mail server?', 'E-mail'],
  ['How are usage events kept when the process is killed?', 'Writes and their usage events'],
];
/** The named section must be among the first three for this many of them. */
const RIGHT_MIN = 9;
const FIRST = 3;

const here = fileURLToPath(new URL('.', import.meta.url));
const extension = extname(fileURLToPath(import.meta.url));
const inDist = extension === '.js';
const root = join(here, inDist ? '../..' : '..');
const program = (path: string) => join(here, '..', `${path}${extension}`);

interface Section {
  title: string;
  content: string;
  file: string;
}

async function main(): Promise<void> {
  const dataDir = await mkdtemp(join(tmpdir(), 'whitemagic-demo-'));
  const service = startProgram(program('api/main'), { DATA_DIR: dataDir, PORT: '0', LOG_LEVEL: 'warn' });
  try {
    const { url, api_key } = await untilReady(dataDir, service);
    console.log(`Service on ${url}, data in ${dataDir}`);
    const client = await connectThroughBridge(dataDir);
    await store(client, await readSections());
    const right = await ask(client);
    await showContext(client);
    await client.close();
    await showUsage(url, api_key);
    if (right < RIGHT_MIN) throw new Error(`only ${right} of ${QUESTIONS.length} questions found their section`);
  } finally {
    await stopProgram(service);
    await rm(dataDir, { recursive: true, force: true });
  }
}

/** Every section of every document, by its heading. */
async function readSections(): Promise<Section[]> {
  const docs = await readdir(join(root, 'docs'), { recursive: true });
  const files = ['README.md', ...docs.filter((file) => file.endsWith('.md')).map((file) => join('docs', file))].sort();
  const sections = await Promise.all(files.map(async (file) => split(file, await readFile(join(root, file), 'utf8'))));
  return sections.flat();
}

function split(file: string, markdown: string): Section[] {
  return markdown
    .split(/^#{1,3} /m)
    .slice(1)
    .map((part) => {
      const [title = '', ...lines] = part.split('\n');
      return { file, title: title.trim(), content: lines.join('\n').trim() };
    })
    .filter((section) => section.content !== '');
}

async function store(client: Client, sections: Section[]): Promise<void> {
  for (const [index, { file, title, content }] of sections.entries()) {
    progress(`Storing section ${index + 1} of ${sections.length}`);
    await call(client, 'create_memory', {
      title,
      content,
      type: 'long_term',
      tags: ['docs', file],
      project: 'whitemagic',
    });
  }
  progress(`Stored ${sections.length} sections of ${new Set(sections.map(({ file }) => file)).size} documents.\n`);
}

/** Asks every question. Answers how many found their section among the first three. */
async function ask(client: Client): Promise<number> {
  const rows = [];
  for (const [question, section] of QUESTIONS) {
    const { results } = (await call(client, 'search_memories', { query: question, limit: 5 })) as {
      results: { title: string }[];
    };
    const place = results.findIndex(({ title }) => title === section) + 1;
    const found = place > 0 && place <= FIRST;
    rows.push({ question, 'top hit': results[0]?.title ?? '–', expected: section, place: place || '–', found });
  }
  console.table(rows);
  const right = rows.filter(({ found }) => found).length;
  console.log(`${right} of ${rows.length} questions have their section among the first ${FIRST}.\n`);
  return right;
}

async function showContext(client: Client): Promise<void> {
  const answer = (await call(client, 'get_context', { query: 'connect an IDE', max_tokens: 400 })) as {
    context: string;
    tokens: number;
  };
  console.log(`A context package for "connect an IDE" in ${answer.tokens} of 400 tokens:\n\n${answer.context}\n`);
}

async function showUsage(url: string, apiKey: string): Promise<void> {
  const response = await fetch(`${url}/api/v1/user/usage`, { headers: { Authorization: `Bearer ${apiKey}` } });
  const { results } = (await response.json()) as { results: Record<string, unknown>[] };
  console.log('What was metered:');
  console.table(
    results.map(({ day, transport, endpoint, calls, errors, mean_ms }) => ({
      day,
      transport,
      endpoint,
      calls,
      errors,
      mean_ms,
    })),
  );
}

async function call(client: Client, name: string, input: Record<string, unknown>): Promise<Record<string, unknown>> {
  const result = await client.callTool({ name, arguments: input });
  if (result.isError) throw new Error(`${name}: ${JSON.stringify(result.content)}`);
  return result.structuredContent as Record<string, unknown>;
}

async function connectThroughBridge(dataDir: string): Promise<Client> {
  const client = new Client({ name: 'demo', version: '1.0.0' });
  const args = [...process.execArgv, program('mcp/cli/whitemagic'), 'mcp'];
  const env = { PATH: process.env.PATH ?? '', DATA_DIR: dataDir };
  await client.connect(new StdioClientTransport({ command: process.execPath, args, env, cwd: root }));
  return client;
}

function startProgram(file: string, env: Record<string, string>): ChildProcess {
  const { DATABASE_URL, DATABASE_OWNER_URL, REDIS_URL, SMTP_URL, PUBLIC_URL, ...inherited } = process.env;
  return spawn(process.execPath, [...process.execArgv, file], {
    env: { ...inherited, ...env },
    cwd: root,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}

/** Waits for the credentials that the service writes once it listens. */
async function untilReady(dataDir: string, service: ChildProcess) {
  for (let waited = 0; waited < 60_000; waited += 100) {
    if (service.exitCode !== null) throw new Error('the service did not start');
    const credentials = await readCredentials(dataDir);
    if (credentials) return credentials;
    await delay(100);
  }
  throw new Error('the service took too long to start');
}

async function stopProgram(service: ChildProcess): Promise<void> {
  if (service.exitCode !== null) return;
  const ended = new Promise((resolve) => service.once('exit', resolve));
  service.kill('SIGTERM');
  await ended;
}

function progress(line: string): void {
  process.stdout.write(process.stdout.isTTY ? `\r${line}` : line.endsWith('\n') ? line : '');
}

if (process.argv.includes('--help')) {
  console.log('npm run demo: stores this project’s documents over MCP, asks ten questions, shows answers and usage.');
} else {
  await main();
}
