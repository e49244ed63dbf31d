import { describe, expect, it } from 'vitest';
import { HISTORIES, progressOf } from '../../scripts/bench-agents/histories.ts';
import { truncateToTokens } from '../../scripts/bench-agents/tokens.ts';

describe('histories of the benchmark of agents', () => {
  it.each(HISTORIES)(
    '$project: each question needs one text, and names its outdated form where there is one',
    (history) => {
      const { facts, corrections, questions } = history;
      const titles = facts.map(([title]) => title);
      for (const [, , replaces] of corrections) expect(titles).toContain(replaces);
      const texts = [...facts, ...corrections, ...progressOf(history)].map(([title, text]) => `${title}: ${text}`);
      const holding = (part: string) => texts.filter((text) => text.includes(part));
      for (const { ask, needed, outdated } of questions) {
        expect(holding(needed), ask).toHaveLength(1);
        expect(ask).not.toContain(needed);
        if (outdated !== undefined) {
          const [former, ...others] = holding(outdated);
          expect(others).toEqual([]);
          expect(corrections.map(([, , replaces]) => replaces)).toContain(former?.split(':')[0]);
        }
      }
      expect(questions.filter(({ outdated }) => outdated !== undefined)).toHaveLength(corrections.length);
    },
  );

  it('are cut in whole lines within the budget', () => {
    expect(truncateToTokens('one two\nthree four\nfive', 7)).toBe('one two\nthree four');
    expect(truncateToTokens('word '.repeat(50), 10)).toBe('');
  });
});
