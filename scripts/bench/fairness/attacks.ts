import type { Tenant } from '../tenants.ts';
import { createTexts, GROWING } from '../texts.ts';
import type { Call } from './traffic.ts';

/** The expensive calls of one tenant. */
export interface Attack {
  name: string;
  /** Memories that are stored before. */
  stored?(): { title: string; content: string }[];
  /** Returns the calls, which are sent in turn. */
  calls(api: Api, storedIds: readonly string[]): Call[];
  /** Calls that are sent at the same time. Default 4. */
  connections?: number;
}

/** Makes the calls of a tenant. */
export class Api {
  readonly url: string;
  readonly #headers: Record<string, string>;

  constructor(url: string, { apiKey }: Tenant) {
    this.url = url;
    this.#headers = { Authorization: `Bearer ${apiKey}`, 'Content-Type': 'application/json' };
  }

  get(path: string): Call {
    return { method: 'GET', url: `${this.url}/api/v1${path}`, headers: this.#headers };
  }

  post(path: string, body: object): Call {
    return { method: 'POST', url: `${this.url}/api/v1${path}`, headers: this.#headers, body: JSON.stringify(body) };
  }

  tool(name: string, args: object): Call {
    const headers = { ...this.#headers, Accept: 'application/json, text/event-stream' };
    const message = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name, arguments: args } };
    return { method: 'POST', url: `${this.url}/mcp`, headers, body: JSON.stringify(message) };
  }
}

const texts = createTexts();
const MEGABYTE = 1_000_000;

/** Returns prose of made-up words of about this many bytes. */
function prose(bytes: number, from = 0): string {
  const parts: string[] = [];
  for (let [length, n] = [0, from]; length < bytes; n++) {
    const { content } = texts.note(GROWING, n);
    parts.push(content);
    length += content.length + 1;
  }
  return parts.join(' ').slice(0, bytes);
}

const words = (count: number, from = 0) =>
  prose(count * 12, from)
    .split(' ')
    .slice(0, count);
const note = (content: string, title = 'Bench {new}') => ({ title, content });
/** Ten transcripts of 0.85 MB, which all contain the word "transcript". */
const transcripts = () =>
  Array.from({ length: 10 }, (_, n) => note(`${prose(850_000, n * 5_000)} transcript`, `Transcript ${n}`));

/** Words that no memory contains. */
const unknownWords = (count: number) => Array.from({ length: count }, (_, n) => `zq${n.toString(36)}x`).join(' ');
const base64 = (bytes: number) =>
  Buffer.from(Array.from({ length: (bytes * 3) / 4 }, (_, n) => (n * 2_654_435_761) >>> 24)).toString('base64');

/** The calls that once stopped everybody, and the largest that the documentation allows. */
export const ATTACKS: Attack[] = [
  {
    name: 'search for one word in ten transcripts of 0.85 MB',
    stored: transcripts,
    calls: (api) => [api.post('/search', { query: 'transcript' })],
  },
  {
    name: 'context of 10,000 tokens from these',
    stored: transcripts,
    calls: (api) => [api.post('/context', { query: 'transcript', max_tokens: 10_000 })],
  },
  {
    name: 'search with 200 words in these',
    stored: transcripts,
    calls: (api) => [api.post('/search', { query: words(200).join(' ').slice(0, 9_900) })],
  },
  {
    name: 'list of these with 200 a page',
    stored: transcripts,
    calls: (api) => [api.get('/memories?limit=200'), api.get('/memories?limit=200&include=content')],
  },
  {
    name: 'search with 1,400 unknown words',
    calls: (api) => [api.post('/search', { query: unknownWords(1_400).slice(0, 9_900) })],
  },
  {
    name: 'get_memory of "/\\n" 30,000 times',
    stored: () => [note('/\n'.repeat(30_000))],
    calls: (api, ids) => [api.tool('get_memory', { id: ids[0] })],
  },
  {
    name: 'create of 1 MB of prose',
    calls: (api) => [api.post('/memories', note(prose(MEGABYTE)))],
  },
  {
    name: 'create of 1 MB of base64',
    calls: (api) => [api.post('/memories', note(base64(MEGABYTE)))],
  },
  {
    name: 'batches of 100 creates',
    calls: (api) => [
      api.post('/memories/batch', { memories: Array.from({ length: 100 }, (_, n) => note(prose(300, n))) }),
    ],
  },
  {
    name: '40 identical creates at once',
    calls: (api) => [api.post('/memories', note(prose(300), 'The same'))],
    connections: 40,
  },
  {
    name: 'bulk and consolidation of 2,000 memories, dry runs',
    stored: () => Array.from({ length: 2_000 }, (_, n) => note(prose(300, n), `Note ${n}`)),
    calls: (api) => [
      api.post('/memories/bulk', { filter: { type: 'short_term' }, action: 'archive', dry_run: true }),
      api.post('/consolidate', { dry_run: true, min_age_days: 0 }),
    ],
  },
  {
    name: 'anonymous /openapi.json and pages',
    calls: ({ url }) =>
      ['/openapi.json', '/', '/docs/errors'].map((path) => ({ method: 'GET', url: url + path, headers: {} })),
  },
];
