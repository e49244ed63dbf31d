import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Caller } from '../../../api/context.ts';
import { NoEmbedder } from '../../../api/embeddings/none.ts';
import { prepareLexicalQuery, rankLexical } from '../../../api/search/lexical.ts';
import { parseExclusions, parseQuery } from '../../../api/search/query-parser.ts';
import { search as runSearch } from '../../../api/search/search.ts';
import { tokenize } from '../../../api/search/tokenizer.ts';
import type { Sql, Statement } from '../../../db/client/sql.ts';
import { search, storeAll, storeMany, titlesOf } from '../../support/retrieval.ts';
import { startTestService, type TestService, type TestUser } from '../../support/service.ts';

let node: TestService;
let owner: TestUser;

const syllables = ['ba', 'ko', 'ri', 'tan', 'mel', 'su', 'vor', 'ni', 'pel', 'gra'];
/** A made-up word for each number. */
const word = (n: number) => [...String(n)].map((digit) => syllables[Number(digit)]).join('');

beforeAll(async () => {
  node = await startTestService();
  owner = await node.newUser();
  const texts = Array.from({ length: 300 }, (_, n) => ({
    title: `Note ${n}`,
    content: Array.from({ length: 40 }, (_, k) => word(n * 40 + k)).join(' '),
  }));
  await storeMany(owner.api, texts);
  await storeAll(owner.api, [
    {
      title: 'Answer',
      content: 'QuokkaPoolExhausted is thrown when zirconium workers exceed the pool; raise POOL_MAX.',
    },
  ]);
});
afterAll(() => node.stop());

const stackTrace = () => {
  const frames = Array.from(
    { length: 300 },
    (_, n) => `    at async Handler${n}.process${n} (file:///srv/app/node_modules/pkg-${n}/dist/module${n}.js:${n}:17)`,
  );
  return `Error: QuokkaPoolExhausted: no free zirconium worker\n${frames.join('\n')}`.slice(0, 9_900);
};
const words = () =>
  `quokkapoolexhausted zirconium ${Array.from({ length: 5_000 }, (_, n) => word(50_000 + 7 * n)).join(' ')}`.slice(
    0,
    9_900,
  );
const cases: [string, () => string][] = [
  ['a stack trace', stackTrace],
  ['words', words],
  [
    'words of the tenant',
    () => `zirconium ${Array.from({ length: 3_000 }, (_, n) => word(n)).join(' ')}`.slice(0, 9_900),
  ],
  ['text without spaces', () => `zirconium ${'配達通知は夜間に送らない設定です'.repeat(700)}`.slice(0, 9_900)],
  ['quotes', () => `zirconium ${'"key": "value of it", '.repeat(500)}`.slice(0, 9_900)],
];

describe('long query', () => {
  it.each(cases)('of 9.9 kB of %s finds its rare term', async (_name, query) => {
    expect(titlesOf(await search(owner.api, { query: query(), limit: 3 }))).toContain('Answer');
  });

  it.each(cases)('of 9.9 kB of %s runs a bounded number of bounded statements', async (_name, query) => {
    const statements: Statement[] = [];
    const database = node.service.database.read(owner.userId);
    const sql: Sql = {
      query: (statement) => {
        statements.push(statement);
        return database.query(statement);
      },
    };
    const parsed = parseQuery(query());
    const prepared = await prepareLexicalQuery(sql, owner.userId, parsed);
    expect(statements.length).toBeLessThanOrEqual(6);
    const expansions = statements.filter(({ name }) => name !== 'find_terms');
    for (const { values = [] } of expansions) expect((values[1] as string[]).length).toBeLessThanOrEqual(8);
    // The terms of the query, and ten or fewer for each of eight.
    expect(prepared.weightedTerms.length).toBeLessThanOrEqual(64 + 8 * 10);
    expect(prepared.phrases.length).toBeLessThanOrEqual(4);
  });

  it('with more words than can be looked up is rejected, and names the field and the bound', async () => {
    const characters = (count: number) =>
      String.fromCodePoint(...Array.from({ length: count }, (_, n) => 0x4e00 + ((7_919 * n) % 20_000)));
    const query = await owner.api.post('/search', { query: characters(9_999) });
    expect([query.status, query.body.code, query.body.errors]).toEqual([
      422,
      'query_too_complex',
      [{ path: 'query', message: 'has 9998 different words, of at most 4000' }],
    ]);
    const exclude = Array.from({ length: 20 }, (_, n) => characters(200).slice(n));
    const excluded = await owner.api.post('/search', { query: 'zirconium', exclude });
    expect([excluded.status, excluded.body.code, excluded.body.errors[0].path]).toEqual([
      422,
      'query_too_complex',
      'exclude',
    ]);
    const context = await owner.api.post('/context', { query: characters(9_999) });
    expect([context.status, context.body.code]).toEqual([422, 'query_too_complex']);
  });

  it('of 1,400 unknown words runs at most thirty statements', async () => {
    const unknown = Array.from({ length: 1_400 }, (_, n) => `x${n.toString(36)}qz`).join(' ');
    const statements: Statement[] = [];
    const { database } = owner;
    const recorded = (sql: Sql): Sql => ({
      query: (statement) => {
        statements.push(statement);
        return sql.query(statement);
      },
    });
    const context = { sql: recorded(database.read(owner.userId)), now: () => new Date(), newId: () => '' };
    const caller = { userId: owner.userId } as Caller;
    const embedders = { current: new NoEmbedder(), previous: [] };
    await runSearch(context, caller, { query: unknown, limit: 10 }, embedders);
    expect(statements.length).toBeLessThanOrEqual(30);
    expect(statements.filter(({ name }) => name === 'find_similar_terms')).toHaveLength(1);
  });

  it('scores its rarest terms', async () => {
    const query = parseQuery(`note zirconium ${Array.from({ length: 100 }, (_, n) => `${word(n)}`).join(' ')} note`);
    expect(query.terms.length).toBeGreaterThan(64);
    const database = node.service.database.read(owner.userId);
    const { terms } = await prepareLexicalQuery(database, owner.userId, query);
    const used = terms.map(({ query_term }) => query_term);
    expect(used).toContain('zirconium');
    expect(used).not.toContain('note');
  });

  it('scores 64 terms on memories of 60,000 terms, and excludes by many terms, within half a second of the database', async () => {
    const { userId, api, database } = await node.newUser();
    const shared = Array.from({ length: 64 }, (_, n) => word(n));
    const texts = Array.from({ length: 8 }, (_, n) => ({ title: `Large ${n}`, content: `${shared.join(' ')} ${n}` }));
    await storeAll(api, texts);
    await database.owner.query(
      `update memories m set
        terms = array(select hash from unnest(m.terms || large.terms) as t (hash) order by hash),
        frequencies = array_fill(1::smallint, array[cardinality(m.terms) + 60000]),
        length = cardinality(m.terms) + 60000
      from (select array_agg(hashtextextended('large' || n, 0)) as terms from generate_series(1, 60000) as n) large
      where user_id = $1`,
      [userId],
    );
    const read = database.read(userId);
    const sql: Sql = { query: (statement) => read.query({ timeoutMs: 500, ...statement }) };
    const query = await prepareLexicalQuery(sql, userId, parseQuery(shared.join(' ')));
    const { hits } = await rankLexical(sql, userId, {}, query, 50);
    expect(hits.size).toBe(8);
    expect(Math.min(...hits.values())).toBeGreaterThan(0);
    const [excluded] = parseExclusions([shared.slice(0, 20).join(' ')]);
    const exclude = Array.from({ length: 20 }, () => ({ terms: [], pattern: '', ...excluded, isPhrase: false }));
    expect((await rankLexical(sql, userId, { exclude }, query, 50)).hits.size).toBe(0);
  });

  it('has a short time limit for similar terms: a statement that exceeds it is cancelled', async () => {
    const sql = node.service.database.read(owner.userId);
    const slow = sql.query({ text: 'select pg_sleep(20)', timeoutMs: 50 });
    await expect(slow).rejects.toMatchObject({ code: '57014' });
    // The limit ends with its statement.
    const setting = await sql.query<{ statement_timeout: string }>({ text: 'show statement_timeout' });
    expect(setting.rows[0]?.statement_timeout).toBe('15s');
  });

  it('is tokenized in linear time', () => {
    const started = performance.now();
    for (const [, query] of cases) [...tokenize(query())];
    expect(performance.now() - started).toBeLessThan(2_000);
  });
});
