import { describe, expect, it } from 'vitest';
import { titleOf } from '../../../api/memories/title.ts';

describe('titleOf', () => {
  it.each([
    ['# Deploys\n\nWe deploy on Fridays.', 'Deploys'],
    ['Intro first.\n\n## Deploys ##\nMore.', 'Deploys'],
    ['We deploy on Fridays. Not on Mondays.', 'We deploy on Fridays.'],
    ['We deploy\non Fridays. Not on Mondays.', 'We deploy on Fridays.'],
    ['no punctuation at all', 'no punctuation at all'],
    ['- [ ] call Anna\n- [ ] call Bob', 'call Anna'],
    ['> quoted words', 'quoted words'],
    ['**Note:** the `build` is [here](https://example.org).', 'Note: the build is here.'],
    ['```bash\n# a comment\nnpm run build\n```', '# a comment npm run build'],
    ['---\n\nAfter a rule.', 'After a rule.'],
    ['   \n\n  Later.  ', 'Later.'],
    ['会議は金曜日です。月曜日ではありません。', '会議は金曜日です。'],
    ['###', '###'],
    ['```', '```'],
    ['🦭', '🦭'],
  ])('derives the title of %j', (content, title) => {
    expect(titleOf(content)).toBe(title);
  });

  it('cuts a long sentence between two words, to at most 120 characters', () => {
    const title = titleOf('word '.repeat(1_000));
    expect(title).toMatch(/^(word )+word…$/);
    expect([...title].length).toBeLessThanOrEqual(120);
    expect([...titleOf('🦭'.repeat(500))]).toHaveLength(120);
  });

  it('reads a content of white space followed by text', () => {
    expect(titleOf(`${' '.repeat(10_000)}seal`)).toBe('seal');
  });
});
