import type { Operation } from '../api/contracts/operation.ts';
import { context } from '../api/contracts/search.ts';
import type { Delimit } from './delimiter.ts';

/** Name of the prompt that reads memories. */
export const RECALL_PROMPT = 'recall_for_task';

/** Prompts that a host offers to its user. */
export const PROMPTS = [
  {
    name: 'remember_this_session',
    title: 'Remember this session',
    description: 'Review this session and store what later sessions will need.',
    arguments: [{ name: 'focus', description: 'What to focus on.', required: false }],
  },
  {
    name: RECALL_PROMPT,
    title: 'Recall for a task',
    description: 'Add what is known about a task to the conversation.',
    arguments: [{ name: 'task', description: 'What you are about to do.', required: true }],
  },
] as const;

/** Returns the text of `remember_this_session`. */
export function rememberPrompt(focus: string | undefined): string {
  return `Go through this session and store with create_memory what a later session will need: decisions with their reasons, conventions, fixes that worked and what caused the trouble, how things are built, tested and deployed, and what I prefer.${
    focus ? ` Look above all for: ${focus}.` : ''
  }

First call search_memories for each topic, so that you update or supersede what is already known instead of repeating it. One self-contained idea a memory, a title that says it, two to four tags. No secrets, nothing that the code already says. At the end tell me in a list what you stored.`;
}

/** The operation of `recall_for_task`, and its token budget. */
export const RECALL: Operation = context;
export const RECALL_TOKENS = 2_000;

/** Returns the text of `recall_for_task` with the context package. */
export function recallPrompt(task: string, found: { context: string; memory_ids: string[] }, delimit: Delimit): string {
  const known =
    found.memory_ids.length === 0
      ? 'Nothing is known about it yet.'
      : `What earlier sessions stored about it:\n${delimit(found.context)}`;
  return `My task: ${task}\n\n${known}\n\nUse what helps, say what contradicts what you see now, and search_memories for what is missing.`;
}
