/*
 * Entry point of the thread that counts the terms of large texts. Started by count-in-thread.ts.
 */
import { countContent } from './term-frequencies.ts';

/** Counts the terms of each content, in their order. */
export default function countAll(contents: readonly string[]) {
  return Promise.all(contents.map(countContent));
}
