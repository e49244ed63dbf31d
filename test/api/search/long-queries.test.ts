import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { prepareLexicalQuery } from '../../../api/search/lexical.ts';
import { parseQuery } from '../../../api/search/query-parser.ts';
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
    const expansions = statements.filter(({ name }) => name !== 'find_terms' && name !== 'find_corpus');
    for (const { values = [] } of expansions) expect((values[1] as string[]).length).toBeLessThanOrEqual(8);
    // The terms of the query, and ten or fewer for each of eight.
    expect(prepared.weightedTerms.length).toBeLessThanOrEqual(64 + 8 * 10);
    expect(prepared.phrases.length).toBeLessThanOrEqual(4);
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
