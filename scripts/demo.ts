import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { readCredentials } from '../api/accounts/local-owner.ts';
import { countTokens } from '../api/tokens/count.ts';
import { programOf, root } from './program.ts';
import { startServiceProcess } from './service-process.ts';

/*
 * Demonstrates the product: starts a service on a temporary data directory, stores this project's documents as memories
 * with the MCP SDK's client over the stdio bridge, then prints ten searches, a context package and the usage.
 */

/** Questions of a new user, and the titles of the sections that answer them. */
const QUESTIONS: [question: string, section: string][] = [
  ['How do I start the service on another port?', 'On your machine'],
  ['Where is my API key kept?', 'Find your API key'],
  ['Can each repository have memories of its own?', 'One project for each repository'],
  ['What happens when I store exactly the same thing twice?', 'Exact duplicates'],
  ['How do I undo an edit of a memory?', 'Editing, history and undo'],
  ['What does the doctor command check?', 'When it does not connect'],
  ['Which memories become long-term knowledge?', 'Consolidation'],
  ['What is the shape of an error?', 'The shape'],
  ['Where do e-mails go when there is no mail server?', 'E-mail'],
  ['How are usage events kept when the process is killed?', 'Writes and their usage events'],
];
/** Number of questions whose section must be among the first three hits. */
const FOUND_MIN = 9;
const RANK_MAX = 3;

/** Maximum time to wait for the encoder. */
const ENCODING_MS_MAX = 180_000;

interface Section {
  title: string;
  content: string;
  file: string;
}

async function main(): Promise<void> {
  const dataDir = await mkdtemp(join(tmpdir(), 'whitemagic-demo-'));
  const service = await startServiceProcess(dataDir, { LOG_LEVEL: 'warn' }, { showErrors: true });
  try {
    const { url } = service;
    console.log(`Service on ${url}, data in ${dataDir}`);
    const client = await connectThroughBridge(dataDir);
    await store(client, await readSections());
    await untilEmbedded(url);
    const found = await searchAll(client);
    await showContext(client);
    await client.close();
    await showUsage(url, dataDir);
    if (found < FOUND_MIN) throw new Error(`Only ${found} of ${QUESTIONS.length} questions found their section.`);
  } finally {
    await service.stop();
    await rm(dataDir, { recursive: true, force: true });
  }
}

/** Reads every section of every document. */
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
    });
  }
  progress(`Stored ${sections.length} sections of ${new Set(sections.map(({ file }) => file)).size} documents.\n`);
}

/** Waits until all memories can be found by their meaning, not only by their words: the encoder follows in the background. */
async function untilEmbedded(url: string): Promise<void> {
  for (const end = performance.now() + ENCODING_MS_MAX; performance.now() < end; ) {
    const response = await fetch(`${url}/ready`);
    const { embedding } = (await response.json()) as { embedding: { waiting: number } | null };
    if (embedding?.waiting === 0) return progress('Encoded all of them.\n');
    progress(`${embedding?.waiting ?? 'Some'} still to be encoded`);
    await delay(500);
  }
  progress('Not all are encoded yet: questions may miss some.\n');
}

/** Searches for every question. Returns the number of those that found their section among the first hits. */
async function searchAll(client: Client): Promise<number> {
  const rows = [];
  for (const [question, section] of QUESTIONS) {
    const text = await call(client, 'search_memories', { query: question, limit: 5 });
    const titles = [...text.matchAll(/^- (.*) \[[0-9a-f-]{36}\] \(/gm)].map((line) => line[1]);
    const rank = titles.indexOf(section) + 1;
    const found = rank > 0 && rank <= RANK_MAX;
    rows.push({ question, 'top hit': titles[0] ?? '–', expected: section, rank: rank || '–', found });
  }
  console.table(rows);
  const foundCount = rows.filter(({ found }) => found).length;
  console.log(`${foundCount} of ${rows.length} questions have their section among the first ${RANK_MAX}.\n`);
  return foundCount;
}

async function showContext(client: Client): Promise<void> {
  const text = await call(client, 'get_context', { query: 'connect an IDE', max_tokens: 400 });
  console.log(`A context package for "connect an IDE" in ${countTokens(text)} of 400 tokens:\n\n${text}\n`);
}

async function showUsage(url: string, dataDir: string): Promise<void> {
  const apiKey = (await readCredentials(dataDir))?.api_key;
  const response = await fetch(`${url}/api/v1/user/usage`, { headers: { Authorization: `Bearer ${apiKey}` } });
  const { results } = (await response.json()) as { results: Record<string, unknown>[] };
  console.log('Usage:');
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

/** Calls a tool and returns the text of its result. */
async function call(client: Client, name: string, input: Record<string, unknown>): Promise<string> {
  const result = await client.callTool({ name, arguments: input });
  if (result.isError) throw new Error(`${name}: ${JSON.stringify(result.content)}`);
  return (result.content as [{ text: string }])[0].text;
}

async function connectThroughBridge(dataDir: string): Promise<Client> {
  const client = new Client({ name: 'demo', version: '1.0.0' });
  const { file, execArgv, cwd } = programOf('mcp/cli/whitemagic');
  const env = { PATH: process.env.PATH ?? '', DATA_DIR: dataDir };
  const args = [...execArgv, file, 'mcp'];
  await client.connect(new StdioClientTransport({ command: process.execPath, args, env, cwd }));
  return client;
}

function progress(line: string): void {
  process.stdout.write(process.stdout.isTTY ? `\r${line}` : line.endsWith('\n') ? line : '');
}

if (process.argv.includes('--help')) {
  console.log(
    'Usage: npm run demo\n\nStores this project’s documents over MCP, searches for ten questions, and prints the hits and the usage.',
  );
} else {
  await main();
}
