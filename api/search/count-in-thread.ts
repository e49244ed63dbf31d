import type { Piscina } from 'piscina';
import { createFairSemaphore } from '../../db/client/fair-semaphore.ts';
import type { TermFrequencies } from '../../db/queries/memories/terms.ts';
import { programBeside } from '../program-beside.ts';
import { addOwnTerms, type ContentTerms, countContent, type SearchedMemory } from './term-frequencies.ts';

/** Length in UTF-16 code units from which texts are sent to the thread: shorter ones block the event loop for less than 10 ms. */
const THREAD_LENGTH_MIN = 32_768;
/** The thread ends after this time without work, and gives its memory back. */
const IDLE_MS = 60_000;
/** Lowers the priority of the thread: with little processor time left, calls of others go first. */
const NICE = 5;

/** Tenants have their turns: the texts of one are counted between those of others. */
const turns = createFairSemaphore({ permits: 1, permitsPerTenant: 1, waitMs: 20_000 });
/** Contents that are counted before they are stored. The same content may be stored by several calls at once. */
const countedContents = new Map<string, { counted: ContentTerms; calls: number }>();
let pool: Promise<Piscina> | undefined;

/**
 * Counts the terms of large contents before the transaction that stores them begins. Inside it, a connection would wait for the thread.
 * {@link countTermsOf} uses these counts.
 * @returns the function that forgets them
 * @throws NoPermitError when the texts of others take too long
 */
export async function countAhead(tenant: string, contents: readonly string[]): Promise<() => void> {
  if (!areLarge(contents)) return () => undefined;
  const distinct = [...new Set(contents)];
  const counted = await countContents(tenant, distinct);
  for (const [index, content] of distinct.entries()) {
    const calls = (countedContents.get(content)?.calls ?? 0) + 1;
    countedContents.set(content, { counted: counted[index] as ContentTerms, calls });
  }
  return () => {
    for (const content of distinct) {
      const entry = countedContents.get(content);
      if (entry && --entry.calls === 0) countedContents.delete(content);
    }
  };
}

/**
 * Counts the terms of memories of a tenant, in their order, those of large texts in a thread beside the event loop.
 * @throws NoPermitError when the texts of others take too long
 */
export async function countTermsOf(tenant: string, memories: readonly SearchedMemory[]): Promise<TermFrequencies[]> {
  const counted = await countContents(
    tenant,
    memories.map(({ content }) => content),
  );
  return memories.map((memory, index) => addOwnTerms(memory, counted[index] as ContentTerms));
}

async function countContents(tenant: string, contents: readonly string[]): Promise<ContentTerms[]> {
  const known = contents.map((content) => countedContents.get(content)?.counted);
  const unknown = contents.filter((_, index) => !known[index]);
  const counted = areLarge(unknown)
    ? await countInThread(tenant, unknown)
    : await Promise.all(unknown.map(countContent));
  const next = counted.values();
  return known.map((one) => one ?? (next.next().value as ContentTerms));
}

function areLarge(contents: readonly string[]): boolean {
  return contents.reduce((sum, { length }) => sum + length, 0) >= THREAD_LENGTH_MIN;
}

function countInThread(tenant: string, contents: readonly string[]): Promise<ContentTerms[]> {
  return turns.run(tenant, async () => {
    pool ??= startPool();
    return (await pool).run(contents);
  });
}

async function startPool(): Promise<Piscina> {
  const { Piscina } = await import('piscina');
  const { file, execArgv } = programBeside(import.meta.url, 'term-thread');
  return new Piscina({
    filename: file,
    execArgv,
    minThreads: 0,
    maxThreads: 1,
    idleTimeout: IDLE_MS,
    niceIncrement: NICE,
  });
}
