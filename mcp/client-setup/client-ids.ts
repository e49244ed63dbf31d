/** Clients that `whitemagic setup` writes to, the most used first. */
export const CLIENT_IDS = [
  'claude-code',
  'claude-desktop',
  'cursor',
  'vscode',
  'codex',
  'gemini',
  'opencode',
  'copilot',
  'windsurf',
  'zed',
  'jetbrains',
  'cline',
  'qwen',
  'crush',
] as const;

export type ClientId = (typeof CLIENT_IDS)[number];

/** Name of the server in the files of clients. */
export const SERVER_NAME = 'whitemagic';

/** Tools that only read. A client may run them without a question. */
export const READING_TOOLS = ['get_context', 'search_memories', 'get_memory', 'list_memories'] as const;
/** Tools whose effect can be undone. */
export const UNDOABLE_TOOLS = ['create_memory', 'update_memory', 'restore_memory'] as const;
