import type { ClientId } from './client-ids.ts';

/** Lines for a client's file of instructions that make an agent use its memory. */
export const MEMORY_RULES = `## Memory

You have a long-term memory in the MCP server "whitemagic".
- Before you start a task, call \`get_context\` with the task.
- Before you ask something that an earlier session may have settled, call \`search_memories\`.
- When you learn a decision, a preference, a fix or a fact that a later session needs, call \`create_memory\`: one fact each, with its reason.
- Correct what is outdated with \`update_memory\`. Never store secrets.`;

/** File of instructions of a project, from its folder. */
export const FOLDER_RULES: { [id in ClientId]?: string } = {
  'claude-code': 'CLAUDE.md',
  cursor: '.cursor/rules/whitemagic.mdc',
  vscode: '.github/copilot-instructions.md',
  codex: 'AGENTS.md',
  gemini: 'GEMINI.md',
  opencode: 'AGENTS.md',
  copilot: 'AGENTS.md',
  windsurf: 'AGENTS.md',
  zed: 'AGENTS.md',
  jetbrains: 'AGENTS.md',
  cline: '.clinerules/whitemagic.md',
  qwen: 'QWEN.md',
  crush: 'AGENTS.md',
};
