import { readdir, readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'vitest';
import type { Client, Json } from './client.ts';

/** Stores memories one by one, in order. Returns their ids. */
export async function storeAll(api: Client, memories: readonly object[]): Promise<string[]> {
  const ids: string[] = [];
  for (const memory of memories) {
    const made = await api.post('/memories', memory);
    expect(made.status, made.text).toBe(201);
    ids.push(made.body.id);
  }
  return ids;
}

/** Stores memories in batches of a hundred. Returns their ids, in order. */
export async function storeMany(api: Client, memories: readonly object[]): Promise<string[]> {
  const ids: string[] = [];
  for (let at = 0; at < memories.length; at += 100) {
    const made = await api.post('/memories/batch', { memories: memories.slice(at, at + 100) });
    expect(made.status, made.text).toBe(200);
    for (const result of made.body.results) {
      expect(result.status).toBe('created');
      ids.push(result.id);
    }
  }
  return ids;
}

/** Searches by a query or a whole request body. Returns the response body. */
export async function search(api: Client, query: string | object): Promise<Json> {
  const response = await api.post('/search', typeof query === 'string' ? { query } : query);
  expect(response.status, response.text).toBe(200);
  return response.body;
}

/** Returns the ids of the results, best first. */
export const idsOf = (response: Json): string[] => response.results.map(({ id }: Json) => id);
/** Returns the titles of the results, best first. */
export const titlesOf = (response: Json): string[] => response.results.map(({ title }: Json) => title);

/** Returns a hit's snippet with its matched words between `**`. */
export function marked({ snippet, highlights }: Json): string {
  return highlights.reduceRight(
    (text: string, { start, end }: Json) => `${text.slice(0, start)}**${text.slice(start, end)}**${text.slice(end)}`,
    snippet,
  );
}

/** Waits until the encoder is ready and all memories of the tenant are embedded. */
export async function untilEmbedded(api: Client, seconds = 60): Promise<void> {
  for (let waited = 0; waited < seconds * 1_000; waited += 25) {
    const { embedding } = (await api.get('/stats')).body;
    if (embedding.state === 'ready' && embedding.pending === 0) return;
    if (embedding.state === 'disabled') throw new Error('the encoder is disabled');
    await delay(25);
  }
  throw new Error('memories were not embedded in time');
}

/** Waits until `probe` returns a value other than undefined and false, and returns it. */
export async function until<T>(probe: () => Promise<T | undefined | false>, what: string, seconds = 20): Promise<T> {
  for (let waited = 0; waited < seconds * 1_000; waited += 20) {
    const value = await probe();
    if (value !== undefined && value !== false) return value;
    await delay(20);
  }
  throw new Error(`timed out after ${seconds} s: ${what}`);
}

/** Returns the pid of the encoder process of a parent process. Linux only. */
export async function encoderOf(parent: number): Promise<number | undefined> {
  for (const pid of (await readdir('/proc')).map(Number).filter((number) => number > 0)) {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
    if (Number(stat.split(') ').at(-1)?.split(' ')[1]) !== parent) continue;
    const commandLine = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    if (commandLine.includes('encoder-process')) return pid;
  }
  return undefined;
}
