import { describe, expect, it } from 'vitest';
import type { Item } from '../../../api/context/item.ts';
import { findContainers } from '../../../api/context/repeats.ts';
import type { MemoryRow } from '../../../db/queries/memories/row.ts';

const item = (text: string, more: Partial<MemoryRow> = {}): Item => ({
  memory: { id: text, title: 'Note', tags: [], project: null, superseded_by: null, ...more } as MemoryRow,
  text,
  cut: false,
  outdated: false,
  hasExpired: false,
});

/** Returns whether the second item repeats the first. */
function repeats(first: Item, second: Item): boolean {
  return findContainers([first, second]).get(second)?.has(first) ?? false;
}

describe('repeat of a memory', () => {
  const FACT =
    'The backup of the staging database must run every night at two on the host alpha and is kept for a month';

  it.each([
    ['an equal text', FACT, FACT],
    ['case and white space', `${FACT}.`, FACT.toUpperCase().replaceAll(' ', '  ')],
    ['line breaks', FACT, FACT.replace(' on the', '\non the')],
    ['the mark at its end', `${FACT}.`, `${FACT}!`],
    ['composed and decomposed letters', 'Caf\u00e9 closes at six', 'Cafe\u0301 closes at six'],
    ['a sentence of a longer text', `Ask Marta. ${FACT}. Then rest.`, FACT],
    ['a line of a list', `Rules\n${FACT}\nNo deploys on Friday`, FACT],
    ['several sentences in order', 'One is so. Two is so. Three is so.', 'Two is so. Three is so.'],
  ])('is recognized by %s', (_what, first, second) => {
    expect(repeats(item(first), item(second))).toBe(true);
  });

  it.each([
    ['a host', FACT, FACT.replace('alpha', 'beta')],
    ['a negation', FACT, FACT.replace('must', 'must not')],
    ['one word for its opposite', 'Telemetry is enabled.', 'Telemetry is disabled.'],
    ['a number', FACT, FACT.replace('a month', '3 months')],
    ['the end of a number', 'The version is 1.2.3', 'The version is 1.2'],
    ['a unit behind a number', 'The limit is 5 million', 'The limit is 5'],
    ['a condition around it', 'It is not true that telemetry is enabled', 'telemetry is enabled'],
    ['the order of words', 'Alice reports to Bob', 'Bob reports to Alice'],
    ['the order of sentences', 'Stop the queue. Start the gateway.', 'Start the gateway. Stop the queue.'],
    ['a sign', 'Offset is -5', 'Offset is 5'],
    ['a question mark', 'We deploy on Friday.', 'We deploy on Friday?'],
    ['a letter with a mark', 'Das ist schon fertig', 'Das ist sch\u00f6n fertig'],
  ])('is not a text that differs in %s', (_what, first, second) => {
    expect(repeats(item(first), item(second))).toBe(false);
    expect(repeats(item(second), item(first))).toBe(false);
  });

  it.each([
    ['title', { title: 'Production' }, { title: 'Staging' }],
    ['project', { project: 'shop' }, { project: 'bank' }],
    ['tags', { tags: ['shop'] }, { tags: ['bank'] }],
  ])('is not an equal text with another %s', (_what, first, second) => {
    expect(repeats(item(FACT, first), item(FACT, second))).toBe(false);
  });

  it('has its title and tags in the other memory too', () => {
    const whole = item(`Deploys. ${FACT}.`, { title: 'Rules of the team', tags: ['a', 'b'] });
    expect(repeats(whole, item(FACT, { title: 'Deploys', tags: ['b'] }))).toBe(true);
    expect(repeats(item(FACT, { title: 'Deploys', tags: ['b'] }), whole)).toBe(false);
  });

  it('is the later one of equal memories, and of many the first contains all', () => {
    const [first, second, third] = [item(FACT), item(`${FACT}.`), item(`${FACT}!`)];
    const containers = findContainers([first, second, third]);
    expect(containers.has(first)).toBe(false);
    expect(containers.get(second)).toEqual(new Set([first]));
    expect(containers.get(third)).toEqual(new Set([first, second]));
  });

  it('is found among a thousand memories with the same first sentence within a second', () => {
    const many = Array.from({ length: 1_000 }, (_, i) => item(`Note. Fact ${i % 500} of ${FACT}.`));
    const started = performance.now();
    expect(findContainers(many).size).toBe(500);
    expect(performance.now() - started).toBeLessThan(1_000);
  });
});
