import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { labelOf, namedLabel } from '../../../api/search/label.ts';
import type { Json } from '../../support/client.ts';
import { search, storeAll, titlesOf } from '../../support/retrieval.ts';
import { startTestService, type TestService } from '../../support/service.ts';

describe('label of a text', () => {
  it.each([
    ['Nadia: I moved to Riga.', 'Nadia'],
    ['**Nadia Weber:** I moved.', 'Nadia Weber'],
    ['- auth-service: restarts at night', 'auth-service'],
    ['# Redis:\nevicts the oldest', 'Redis'],
    ['[Bot]: hello', 'Bot'],
    ['Надя: переехала', 'Надя'],
  ])('is read from %j', (text, label) => expect(labelOf(text)).toBe(label));

  it.each([
    'Nadia moved to Riga.',
    'https://example.com is down',
    'std::vector grows',
    'at 10:30 we met',
    'This is a whole sentence before a colon: no label',
    `${'x'.repeat(80)}: too far from the beginning`,
    'First line\nNadia: second line',
    ': nothing',
    '',
  ])('is missing in %j', (text) => expect(labelOf(text)).toBeUndefined());

  it('is named by a query that has all of its terms, in whatever case and inflected with an apostrophe', () => {
    const named = (text: string, ...terms: string[]) => namedLabel([text], new Set(terms));
    expect(named('Nadia Weber: hi', 'what', 'nadia', 'weber')).toBe('Nadia Weber');
    expect(named('Nadia Weber: hi', 'what', 'nadia')).toBeNull();
    expect(named('No label here', 'label')).toBeUndefined();
    expect(namedLabel(['Session 3', 'Nadia: hi'], new Set(['nadia']))).toBe('Nadia');
  });
});

describe('search that names a speaker', () => {
  let node: TestService;
  beforeAll(async () => {
    node = await startTestService();
  });
  afterAll(() => node.stop());

  const turns = [
    { title: 'Monday', content: 'Omar: Nadia, is your garden in bloom, with all the roses of that garden?' },
    { title: 'Tuesday', content: 'Nadia: The garden grows slowly, and I water it every morning before work.' },
    { title: 'Wednesday', content: 'Omar: I like music.' },
  ];

  it('ranks the turns of the named speaker first, explains it, and hides none', async () => {
    const { api } = await node.newUser();
    await storeAll(api, turns);
    const { results } = await search(api, { query: "How is Nadia's garden?", explain: true });
    expect(titlesOf({ results })).toEqual(['Tuesday', 'Monday']);
    expect(results.map(({ explanation }: Json) => explanation.label)).toEqual([1, 0]);
    expect(results[0].reasons).toContainEqual(
      expect.stringMatching(/^Begins with Nadia, which the query names \(\d+ %\)$/),
    );
    expect(JSON.stringify(results[1].reasons)).not.toContain('Begins with');
  });

  it('reports a poor match where only the label fits', async () => {
    const { api } = await node.newUser();
    await storeAll(api, [
      ...turns,
      ...Array.from({ length: 20 }, (_, n) => ({ title: `Day ${n}`, content: `Nadia: number ${n} of my notes.` })),
    ]);
    const found = await search(api, 'Which submarine telescope did Nadia calibrate near Valparaiso?');
    expect(found.results.length).toBeGreaterThan(0);
    expect(found.low_confidence).toBe(true);
  });
});
