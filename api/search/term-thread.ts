/*
 * Entry point of the thread that counts the terms of large texts. Started by count-in-thread.ts.
 */
import { countTerms } from './term-frequencies.ts';

type Memory = Parameters<typeof countTerms>[0];

/** Counts the terms of each memory, in their order. */
export default function countAll(memories: readonly Memory[]) {
  return Promise.all(memories.map(countTerms));
}
