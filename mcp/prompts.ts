interface PromptArgument {
  name: string;
  description: string;
  required: false;
}

/**
 * A prompt that a host offers to its user. No argument is needed, and none is searched for: some clients send only its first word
 * (Claude Code), others a placeholder (opencode sends `$1`). The prompt tells the model which tools to call instead.
 */
interface Prompt {
  name: string;
  title: string;
  description: string;
  arguments: readonly PromptArgument[];
  text: (given: string | undefined) => string;
}

const optional = (name: string, description: string): PromptArgument => ({ name, description, required: false });

/** Adds what the user gave, which the client may have cut off. */
const about = (label: string, given: string | undefined) => (given ? `\n\n${label}: ${given}` : '');

const PROMPTS: readonly Prompt[] = [
  {
    name: 'recall_for_task',
    title: 'Recall for a task',
    description: 'Recall what earlier sessions stored about the task at hand.',
    arguments: [optional('task', 'What you are about to do.')],
    text: (task) =>
      `Before you go on, recall what earlier sessions stored. Call get_context with my task as \`query\`, in one sentence of your own that names the project and what is to be done; then call search_memories for whatever is missing.

Tell me in a few lines what is known that matters for the task, with its date. Use what helps, and say what contradicts what you see now.${about('My task, possibly cut off', task)}`,
  },
  {
    name: 'remember_this_session',
    title: 'Remember this session',
    description: 'Review this session and store what later sessions will need.',
    arguments: [optional('focus', 'What to focus on.')],
    text: (focus) =>
      `Go through this session and store with create_memory what a later session will need: decisions with their reasons, conventions, fixes that worked and what caused the trouble, how things are built, tested and deployed, and what I prefer.

First call search_memories for each topic, so that you update or supersede what is already known instead of repeating it. One self-contained idea a memory, a title that says it, two to four tags. No secrets, nothing that the code already says. At the end tell me in a list what you stored.${about('Above all, possibly cut off', focus)}`,
  },
  {
    name: 'hand_over',
    title: 'Hand over to the next session',
    description: 'Store where this work stands, so that another session or agent can go on.',
    arguments: [],
    text: () =>
      `Store with create_memory one memory of type short_term with the title "Handover: " and the task in a few words, so that another session can go on without me: the goal; what is done, with files and branches; what is not done, next step first; what was tried and failed; open questions; the commands that build and test it. Call search_memories for "Handover" first, and pass the id of the former handover of this task as \`supersedes\`.

Decisions, conventions and fixes that outlast the task become long_term memories of their own. No secrets. At the end show me the handover.`,
  },
  {
    name: 'review_memories',
    title: 'Review memories',
    description: 'Check stored memories against what is true now, and correct them.',
    arguments: [],
    text: () =>
      `Review what is stored about this project. Call list_memories with order "asc", page by page, for at most 100 memories. Check each against the code and against what you know: does it still hold, is it clear without its context, does it name its project?

Correct with update_memory what changed, and archive with delete_memory what is no longer true or of use. Change nothing that you cannot check: list those, and ask me. At the end tell me in a list what you changed. Never delete permanently.`,
  },
  {
    name: 'tidy_memories',
    title: 'Tidy memories',
    description: 'Find duplicates, contradictions and stale memories, and merge them after asking.',
    arguments: [],
    text: () =>
      `Tidy the memory of this project. Call consolidate_memories, which proposes and changes nothing by default, and search_memories for the topics that occur most often. Show me what you found: duplicates, memories that contradict each other, and short-term ones that are done with.

After I agree, merge duplicates into the newer one with update_memory, pass the outdated one's id as \`supersedes\` where a new memory replaces it, and archive the rest with delete_memory. Never delete permanently.`,
  },
];

const byName = new Map(PROMPTS.map((prompt) => [prompt.name, prompt]));

/** The result of `prompts/list`. */
export const PROMPT_DESCRIPTIONS = PROMPTS.map(({ text: _text, ...description }) => description);

/** Returns the text of a prompt; undefined for an unknown one. */
export function promptText(name: string, given: Readonly<Record<string, string>> = {}): string | undefined {
  const prompt = byName.get(name);
  const [argument] = prompt?.arguments ?? [];
  return prompt?.text(argument && given[argument.name]?.trim());
}
