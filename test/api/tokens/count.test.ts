import fc from 'fast-check';
import ranks from 'gpt-tokenizer/bpeRanks/o200k_base';
import { countTokens as reference } from 'gpt-tokenizer/encoding/o200k_base';
import { describe, expect, it } from 'vitest';
import { countTokens, cutToTokens } from '../../../api/tokens/count.ts';
import { rankOf } from '../../../api/tokens/ranks.ts';

const exactly = (text: string) => reference(text, { disallowedSpecial: new Set() });
const CODE = 'export const snake_case = (a: number) => [`a`];\n\t// naïve 日本語 🦭\n';

it('rankOf › knows every token of the tokenizer, and nothing else', () => {
  const found = ranks.map((token) => {
    const bytes = Buffer.from(token as string);
    return rankOf(bytes, 0, bytes.length);
  });
  expect(found.findIndex((rank, index) => rank !== index)).toBe(-1);
  expect(found).toHaveLength(199_998);
  expect(rankOf(Buffer.from('no such token'), 0, 13)).toBe(-1);
  expect(rankOf(Buffer.from('xhello'), 1, 6)).toBe(ranks.indexOf('hello'));
});

describe('countTokens', () => {
  it.each([
    '',
    ' ',
    'Hello, world!',
    CODE,
    '<|endoftext|>',
    '日本語のテキスト。'.repeat(20),
    '🦭'.repeat(50),
    `${'x'.repeat(300)} ${' '.repeat(300)}\n\n\n end`,
    '\u0000\ufffe\u{10ffff}',
  ])('equals the tokenizer for %j', (text) => expect(countTokens(text)).toBe(exactly(text)));

  it('equals the tokenizer for any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 500 }), (text) => {
        expect(countTokens(text)).toBe(exactly(text));
      }),
    );
  });

  it('equals the tokenizer for runs longer than any word, and the text around them', () => {
    for (const run of ['x', 'xy', 'ab1', ' ', '\n', ' \n', '=', '-=', '\u00e4', '日', '🦭', 'Aa']) {
      const long = run.repeat(Math.ceil(2_000 / run.length));
      for (const text of [long, `before ${long} after`, `before${long}after`, `${long}\n${long}`, `7${long}7`]) {
        expect(countTokens(text), JSON.stringify(text.slice(0, 30))).toBe(exactly(text));
      }
    }
  });

  it.each(['x', ' ', '=', 'ä', '日', 'xY', '🦭', '\n '])(
    'counts 100,000 of %j within two seconds of CPU time',
    (run) => {
      const started = process.cpuUsage();
      expect(countTokens(run.repeat(100_000))).toBeGreaterThan(100);
      // The library alone takes 7 to 54 s.
      const { user, system } = process.cpuUsage(started);
      expect((user + system) / 1_000).toBeLessThan(2_000);
    },
  );
});

const cpuMs = (work: () => void) => {
  const started = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(started);
  return (user + system) / 1_000;
};

/** Pieces of texts that a tokenizer splits badly or not at all, which are repeated in any order. */
const fragment = fc.oneof(
  fc.constantFrom(
    '/\n',
    '\n',
    '\r\n',
    ' ',
    '\t',
    '\u3000',
    '=',
    '-=',
    '/',
    '///\n',
    "'s",
    '<|',
    '٪',
    '👍🏽',
    '👨‍👩‍👧',
    '日本',
    'ก็',
  ),
  fc.constantFrom(
    'e\u0301',
    '\u0301\u0302',
    'अ\u093f',
    'aA',
    'AA',
    'ß',
    'longword',
    'x1',
    '\u200d',
    '\u00ad',
    'iVBORw0KGgo+/',
  ),
  fc.base64String({ minLength: 1, maxLength: 12 }),
  fc.string({ unit: 'binary', minLength: 1, maxLength: 4 }),
);

describe('the cost of tokens', () => {
  it('grows with the length of a text, whatever it repeats', () => {
    const length = 120_000;
    countTokens('warm up');
    fc.assert(
      fc.property(fc.array(fragment, { minLength: 1, maxLength: 3 }), (fragments) => {
        const unit = fragments.join('');
        const text = unit.repeat(Math.ceil(length / unit.length));
        // In squares of the length, one such text takes the library 10 to 60 s.
        expect(
          cpuMs(() => countTokens(text)),
          JSON.stringify(unit),
        ).toBeLessThan(2_000);
      }),
      { numRuns: 25, examples: [[['/\n']], [['\u0301']], [['日本']], [[' ', '\n']]] },
    );
  });

  it('does not depend on the length of a text beyond the number that is asked for', () => {
    for (const unit of ['/\n', 'x', '日', 'word ', '\u0301', 'iVBORw0KGgo+/']) {
      const long = unit.repeat(1_000_000 / unit.length);
      expect(countTokens(long, 100)).toBeGreaterThan(100);
      expect(
        cpuMs(() => countTokens(long, 100)),
        unit,
      ).toBeLessThan(200);
      expect(
        cpuMs(() => cutToTokens(long, 100)),
        unit,
      ).toBeLessThan(200);
    }
  });
});

describe('cutToTokens', () => {
  it('returns the beginning of the text, within the budget, in whole characters', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 400 }), fc.integer({ min: 0, max: 60 }), (text, max) => {
        const cut = cutToTokens(text, max);
        expect(text.startsWith(cut)).toBe(true);
        expect(countTokens(cut)).toBeLessThanOrEqual(max);
        expect(cut.isWellFormed()).toBe(true);
      }),
    );
  });

  it('uses most of the budget and ends between words', () => {
    const text = CODE.repeat(200);
    for (const max of [20, 100, 999]) {
      const cut = cutToTokens(text, max);
      expect(countTokens(cut)).toBeGreaterThan(max * 0.7 - 5);
    }
    expect(cutToTokens('alpha beta gamma delta', 3)).toMatch(/^alpha( beta( gamma)?)?$/);
  });

  it('returns a text that fits unchanged', () => {
    expect(cutToTokens(CODE, 1_000)).toBe(CODE);
    expect(cutToTokens('', 0)).toBe('');
  });

  it.each(['x', ' ', '🦭'])('cuts a million of %j within a second', (run) => {
    const started = performance.now();
    expect(countTokens(cutToTokens(run.repeat(1_000_000), 1_500))).toBeLessThanOrEqual(1_500);
    expect(performance.now() - started).toBeLessThan(1_000);
  });
});
