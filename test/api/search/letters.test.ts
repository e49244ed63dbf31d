import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { STOP_WORDS } from '../../../api/embeddings/stop-words.ts';
import { reindexTerms } from '../../../api/memories/reindex-terms.ts';
import { marked, search, storeAll, storeMany, titlesOf } from '../../support/retrieval.ts';
import { startTestService, type TestService } from '../../support/service.ts';

let node: TestService;

beforeAll(async () => {
  node = await startTestService();
});
afterAll(() => node.stop());

describe('search by tokens and letters', () => {
  it.each([
    ['C#', 'The backend is written in C#, mostly.', 'The engine is written in C++ and C.'],
    ['C++', 'The engine is written in C++ mostly.', 'The backend is written in C# and C.'],
    ['who knows F#?', 'Ada knows F# well.', 'Ada plays F sharp.'],
    ['.NET', 'It runs on .NET since May.', 'The fishing boat is repaired.'],
    ['10000', 'The limit is 10,000 rows.', 'The limit is 10 rows.'],
    ['10000', 'The limit is 10 000 rows.', 'The limit is 10 rows.'],
    ['10,000', 'The limit is 10000 rows.', 'The limit is high.'],
    ['10 000', 'The limit is 10000 rows.', 'The limit is high.'],
    ['1499.50', 'It costs 1,499.50 a year.', 'It costs 50 a year.'],
    ['Lodz', 'The office is in Łódź.', 'The office is in Gdynia.'],
    ['Łódź', 'The office is in Lodz.', 'The office is in Gdynia.'],
    ['smorrebrod', 'We ate smørrebrød.', 'We ate soup.'],
    ['Dordevic', 'Call Đorđević.', 'Call Petrović.'],
    ['encyclopaedia', 'An encyclopædia of birds', 'A book of birds'],
    ['oeuvre', 'His œuvre is large', 'His garden is large'],
    ['kapi', 'kapı kapalı', 'pencere'],
    ['strasse', 'Die Straße ist gesperrt', 'Der Weg ist frei'],
    ['محمد', 'كتب مُحَمَّد التقرير', 'كتب علي التقرير'],
    ['احمد', 'كتب أحمد التقرير', 'كتب علي التقرير'],
    ['שלום', 'שָׁלוֹם לכולם', 'בוקר טוב'],
    ['Will', 'Will owns the deploy pipeline.', 'We will deploy on Monday.'],
    ['will', 'Ask Will about the pipeline.', 'We will deploy on Monday.'],
    ['what does Will own?', 'Will owns the deploy pipeline.', 'The owner of the flat pays.'],
    ['IT', 'IT handles laptops.', 'It is raining.'],
    ['call IT', 'Only IT handles laptops.', 'It is raining.'],
    ['S', 'Logs go to bucket S.', "It's in the bucket."],
    ['🎉', 'Released! 🎉', 'Delayed.'],
    ['👍', 'Approved 👍🏽 by Ann', 'Rejected by Ann'],
  ])('finds by %s: %s', async (query, content, other) => {
    const { api } = await node.newUser();
    await storeAll(api, [
      { title: '1', content: other },
      { title: '2', content },
    ]);
    const found = await search(api, query);
    expect(titlesOf(found)[0]).toBe('2');
    expect(found.results[0].matched.join()).not.toContain('=');
    expect(marked(found.results[0])).toContain('**');
  });

  it.each(['the of and', 'it is', 'We will', 'the'])(
    'finds nothing by stop words that are no names: %s',
    async (query) => {
      const { api } = await node.newUser();
      await storeAll(api, [{ title: 'Note', content: 'the cat of the flat and it is what we will be' }]);
      expect((await search(api, query)).results).toEqual([]);
    },
  );

  it.each([
    ['資料庫在台北。', '资料库'],
    ['数据库在台北。', '數據庫'],
    ['記憶體不足', '记忆体'],
    ['头发很长', '頭髮'],
    ['乾淨的代碼', '干净的代码'],
    ['乾隆皇帝', '乾隆'],
  ])('%s is found by %s: traditional and simplified Chinese are one', async (content, query) => {
    const { api } = await node.newUser();
    await storeAll(api, [
      { title: 'Other', content: '今天天气很好' },
      { title: 'Found', content },
    ]);
    const { results } = await search(api, query);
    expect(results.map(({ title }: { title: string }) => title)).toEqual(['Found']);
    expect(results[0].highlights).not.toEqual([]);
  });

  it('knows the stop words of the database', async () => {
    const { rows } = await node.service.database.owner.query(
      `select word from unnest($1::text[]) as w (word) where cardinality(ts_lexize('english_stem', word)) > 0`,
      [[...STOP_WORDS]],
    );
    expect(rows).toEqual([]);
  });
});

describe('reindex_terms', () => {
  it('indexes memories of an older version again, which stay stored and counted', async () => {
    const { api, userId } = await node.newUser();
    const notes = Array.from({ length: 120 }, (_, n) => ({ title: `Note ${n}`, content: `Straße ${n} in Łódź` }));
    await storeMany(api, notes);
    const { owner } = node.service.database;
    const before = await owner.query('select words, memories from quotas where user_id = $1', [userId]);
    const lexicon = `select lexeme, memories from lexicon where user_id = $1 and memories > 0 order by lexeme collate "C"`;
    const terms = await owner.query(lexicon, [userId]);
    // As if an older version had made no terms of them.
    await owner.query(`update memories set terms = '{}', frequencies = '{}', length = 0 where user_id = $1`, [userId]);
    await owner.query(
      'insert into term_queue (user_id, memory_id) select user_id, id from memories where user_id = $1',
      [userId],
    );
    await owner.query('delete from lexicon where user_id = $1', [userId]);
    await owner.query('update quotas set words = 0 where user_id = $1', [userId]);
    expect((await search(api, 'strasse')).total).toBe(0);
    expect(await reindexTerms(node.service.database)).toBe(120);
    expect((await search(api, 'strasse lodz')).total).toBe(120);
    expect((await owner.query('select words, memories from quotas where user_id = $1', [userId])).rows).toEqual(
      before.rows,
    );
    expect((await owner.query(lexicon, [userId])).rows).toEqual(terms.rows);
    expect(await reindexTerms(node.service.database)).toBe(0);
  });
});
