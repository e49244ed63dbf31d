import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type { Embedder } from '../../../api/embeddings/embedder.ts';

const WORDS =
  'the memory service of an agent stores notes about code and people with dates like 2024 and names such as Caroline'.split(
    ' ',
  );

/** A text of so many words, another one for each seed. */
export const textOf = (words: number, seed = 0) =>
  Array.from({ length: words }, (_, i) => WORDS[(i * (seed % 7) + i * i + seed) % WORDS.length]).join(' ');

export const cosine = (a: Float32Array, b: Float32Array) => a.reduce((sum, x, i) => sum + x * (b[i] ?? 0), 0);

export async function until(condition: () => boolean, ms = 10_000): Promise<void> {
  const end = performance.now() + ms;
  while (!condition()) {
    if (performance.now() > end) throw new Error(`not so after ${ms} ms: ${condition}`);
    await delay(10);
  }
}

export const ready = (embedder: Embedder) => until(() => embedder.state === 'ready');

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    // A zombie that has not been reaped yet is dead too.
    return process.platform !== 'linux' || !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

/** Kilobytes, from the kernel's own account. */
export function memoryOf(pid: number): { now: number; peak: number } {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const field = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1]);
  return { now: field('VmRSS'), peak: field('VmHWM') };
}
