import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { countAhead, countTermsOf } from '../../../api/search/count-in-thread.ts';
import { countTerms } from '../../../api/search/term-frequencies.ts';

const memory = (content: string, title = 'Notes of the board') => ({
  title,
  content,
  tags: ['board'],
  occurred_at: new Date('2026-03-04T05:06:07Z'),
  occurred_offset_minutes: 120,
  created_at: new Date('2026-05-06T07:08:09Z'),
});

const LONG = Array.from({ length: 60_000 }, (_, n) => `word${n % 7_000} naïve 日本語`).join(' ');

describe('counting of terms', () => {
  it('returns for large texts what it returns for each alone, in their order', async () => {
    const memories = [memory(LONG), memory('short'), memory(LONG.slice(0, 40_000), 'Another title')];
    const expected = await Promise.all(memories.map(countTerms));
    expect(await countTermsOf('a', memories)).toEqual(expected);
    expect(await countTermsOf('a', [memory('short')])).toEqual([expected[1]]);
    expect(await countTermsOf('a', [])).toEqual([]);
  });

  it('returns the same in the thread and outside of it, for any text', async () => {
    const padding = ' padding of the text'.repeat(2_000);
    const texts = fc.asyncProperty(fc.string({ unit: 'grapheme', maxLength: 300 }), async (text) => {
      const given = memory(text + padding);
      expect(await countTermsOf('a', [given])).toEqual([await countTerms(given)]);
    });
    await fc.assert(texts, { numRuns: 20 });
  });

  it('leaves the event loop to others while it counts the terms of a large text', async () => {
    await countTermsOf('a', [memory(LONG)]);
    const busyMs = async (count: () => Promise<unknown>) => {
      const before = performance.eventLoopUtilization();
      await count();
      return performance.eventLoopUtilization(before).active;
    };
    const inside = await busyMs(() => countTerms(memory(LONG)));
    const beside = await busyMs(() => countTermsOf('a', [memory(LONG)]));
    expect(beside).toBeLessThan(inside / 2);
  });

  it('finds contents counted that were counted ahead, while the thread is busy with others', async () => {
    const [short, one, two] = [memory('another'), memory(LONG, 'One'), memory(LONG, 'Two')];
    const expected = await Promise.all([short, one, two].map(countTerms));
    const forget = await countAhead('a', [LONG, 'short', LONG]);
    let isBusy = true;
    const busy = countTermsOf('c', [memory(`${LONG} more`)]).finally(() => {
      isBusy = false;
    });
    expect(await countTermsOf('b', [short, one, two])).toEqual(expected);
    expect(isBusy).toBe(true);
    forget();
    await busy;
  });

  it('counts a text of one tenant between those of another', async () => {
    const done: string[] = [];
    const count = (tenant: string) => countTermsOf(tenant, [memory(LONG)]).then(() => done.push(tenant));
    await Promise.all([count('many'), count('many'), count('many'), count('one')]);
    expect(done.indexOf('one')).toBeLessThan(3);
  });
});
