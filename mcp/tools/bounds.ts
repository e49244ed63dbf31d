import { maxTokens } from '../../api/contracts/fields.ts';

/**
 * Every tool answer has a budget: enough for a few memories, and never enough to flood a conversation. The least holds one
 * memory of a long title, however its text is cut.
 */
export const toolBudget = {
  max_tokens: maxTokens(10_000, 400).default(1_500).meta({ description: 'Most tokens that the answer may take.' }),
};
