import { maxTokens } from '../../api/contracts/fields.ts';

/** The fewest tokens in which a list names a memory with a long title. */
const MIN_TOKENS = 400;

/** Returns the token budget that every reading tool has: enough for a few memories, too little to flood a conversation. */
export function toolBudget(minTokens = MIN_TOKENS) {
  return {
    max_tokens: maxTokens(10_000, minTokens).default(1_500).meta({ description: 'Most tokens in the response.' }),
  };
}
