import type { Piscina } from 'piscina';
import { createFairSemaphore } from '../../db/client/fair-semaphore.ts';
import type { TermFrequencies } from '../../db/queries/memories/terms.ts';
import { programBeside } from '../program-beside.ts';
import { countTerms } from './term-frequencies.ts';

type Memory = Parameters<typeof countTerms>[0];

/** Length in UTF-16 code units from which texts are sent to the thread: shorter ones block the event loop for less than 10 ms. */
const THREAD_LENGTH_MIN = 32_768;
/** The thread ends after this time without work, and gives its memory back. */
const IDLE_MS = 60_000;
/** Lowers the priority of the thread: with little processor time left, calls of others go first. */
const NICE = 5;

/** Tenants have their turns: the texts of one are counted between those of others. */
const turns = createFairSemaphore({ permits: 1, permitsPerTenant: 1, waitMs: 20_000 });
let pool: Promise<Piscina> | undefined;

/**
 * Counts the terms of memories of a tenant, in their order, those of large texts in a thread beside the event loop.
 * @throws NoPermitError when the texts of others take too long
 */
export async function countTermsOf(tenant: string, memories: readonly Memory[]): Promise<TermFrequencies[]> {
  const length = memories.reduce((sum, { content }) => sum + content.length, 0);
  if (length < THREAD_LENGTH_MIN) return Promise.all(memories.map(countTerms));
  return turns.run(tenant, async () => {
    pool ??= startPool();
    return (await pool).run(memories.map(toCounted));
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

/** Returns what is read of a memory, so that nothing else is copied to the thread. */
function toCounted({ title, content, tags, occurred_at, occurred_offset_minutes, created_at }: Memory): Memory {
  return { title, content, tags, occurred_at, occurred_offset_minutes, created_at };
}
