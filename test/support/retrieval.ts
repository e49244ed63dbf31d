import { readdir, readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'vitest';
import type { Client, Json } from './client.ts';

/** Stores memories one by one, in this order. Answers their ids. */
export async function storeAll(api: Client, memories: readonly object[]): Promise<string[]> {
  const ids: string[] = [];
  for (const memory of memories) {
    const made = await api.post('/memories', memory);
    expect(made.status, made.text).toBe(201);
    ids.push(made.body.id);
  }
  return ids;
}

/** Stores many memories, a hundred a call. Answers their ids, in order. */
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

/** A search that is answered: by its words alone, or with more of the question. */
export async function search(api: Client, question: string | object): Promise<Json> {
  const answer = await api.post('/search', typeof question === 'string' ? { query: question } : question);
  expect(answer.status, answer.text).toBe(200);
  return answer.body;
}

/** Ids of the results, best first. */
export const idsOf = (answer: Json): string[] => answer.results.map(({ id }: Json) => id);
/** Titles of the results, best first. */
export const titlesOf = (answer: Json): string[] => answer.results.map(({ title }: Json) => title);

/** Waits until the encoder runs and none of the tenant's memories waits for its vectors. */
export async function meaningReady(api: Client, seconds = 60): Promise<void> {
  for (let waited = 0; waited < seconds * 1_000; waited += 25) {
    const { embedding } = (await api.get('/stats')).body;
    if (embedding.state === 'ready' && embedding.pending === 0) return;
    if (embedding.state === 'disabled') throw new Error('the encoder is off');
    await delay(25);
  }
  throw new Error('vectors were not made in time');
}

/** Waits until something holds. */
export async function until<T>(look: () => Promise<T | undefined | false>, what: string, seconds = 20): Promise<T> {
  for (let waited = 0; waited < seconds * 1_000; waited += 20) {
    const seen = await look();
    if (seen !== undefined && seen !== false) return seen;
    await delay(20);
  }
  throw new Error(`did not happen in ${seconds} s: ${what}`);
}

/** Pid of the encoder that a process started. Linux only. */
export async function encoderOf(parent: number): Promise<number | undefined> {
  for (const pid of (await readdir('/proc')).map(Number).filter((number) => number > 0)) {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
    if (Number(stat.split(') ').at(-1)?.split(' ')[1]) !== parent) continue;
    const commandLine = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    if (commandLine.includes('encoder-process')) return pid;
  }
  return undefined;
}
