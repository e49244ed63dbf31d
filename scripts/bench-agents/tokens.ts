import { countTokens } from '../../api/tokens/count.ts';

/** Returns the beginning of a text that fits a token budget, in whole lines. */
export function truncateToTokens(text: string, budget: number): string {
  const kept: string[] = [];
  let tokens = 0;
  for (const line of text.split('\n')) {
    tokens += countTokens(`${line}\n`);
    if (tokens > budget) break;
    kept.push(line);
  }
  return kept.join('\n');
}
