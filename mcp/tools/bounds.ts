import { maxTokens } from '../../api/contracts/fields.ts';

/**
 * The token budget that every reading tool has: enough for a few memories, too little to flood a conversation. The minimum
 * holds one memory with a long title.
 */
export const toolBudget = {
  max_tokens: maxTokens(10_000, 400).default(1_500).meta({ description: 'Maximum number of tokens in the response.' }),
};
