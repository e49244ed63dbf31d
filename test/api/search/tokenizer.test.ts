import { describe, expect, it } from 'vitest';
import { Problem } from '../../../api/errors.ts';
import { parseExclusions, parseQuery } from '../../../api/search/query-parser.ts';
import { dateTerms, tokenize } from '../../../api/search/tokenizer.ts';

const termsOf = (text: string) => [...tokenize(text)].map(({ term }) => term);

describe('tokenizer', () => {
  it.each<[string, string[]]>([
    ['', []],
    ['?! – … «»', []],
    ['🦭🎉', ['🦭', '🎉']],
    ['Two  words,\nthree', ['two', 'words', 'three']],
    ["it's", ['it', 's']],
    ['walrus🦭whale', ['walrus', '🦭', 'whale']],
    ['👩🏽‍💻 codes 👍🏽 👍 ❤️ 🇩🇪 ©', ['👩‍💻', 'codes', '👍', '👍', '❤', '🇩🇪']],
    ['snake_case_name', ['snake_case_name', 'snake', 'case', 'name']],
    ['_private __init__', ['_private', 'private', '__init__', 'init']],
    ['camelCase', ['camelcase', 'camel', 'case']],
    ['parseJSONBody', ['parsejsonbody', 'parse', 'json', 'body']],
    ['HTTPServer', ['httpserver', 'http', 'server']],
    ['URL', ['url']],
    ['utf8Decoder', ['utf8decoder', 'utf8', 'decoder']],
    ['MAX_VALUE', ['max_value', 'max', 'value']],
    ['kebab-case', ['kebab-case', 'kebab', 'case']],
    ['api/pipeline/run.ts', ['api/pipeline/run.ts', 'api', 'pipeline', 'run', 'ts']],
    ['C:\\Temp\\a.log', ['c:\\temp\\a.log', 'c', 'temp', 'a', 'log']],
    ['v1.2.3', ['v1.2.3', 'v1', '2', '3']],
    ['std::vector', ['std::vector', 'std', 'vector']],
    ['anna.b@example.com', ['anna.b@example.com', 'anna', 'b', 'example', 'com']],
    ['2023-05-08', ['2023-05-08', '2023', '05', '08']],
    ['The end.', ['the', 'end']],
    ['Café crème naïve', ['cafe', 'creme', 'naive']],
    ['Cafe\u0301 cre\u0300me', ['cafe', 'creme']],
    ['ＡＰＩ ﬁle ①', ['api', 'file', '1']],
    ['Straße Ångström Ñandú İzmir', ['strasse', 'angstrom', 'nandu', 'izmir']],
    ['Łódź Øre Đorđe Æsir Œuvre ısı Ħal Þór', ['lodz', 'ore', 'dorde', 'aesir', 'oeuvre', 'isi', 'hal', 'thor']],
    ['مُحَمَّد أحمد شـجرة', ['محمد', 'احمد', 'شجره']],
    ['שָׁלוֹם', ['שלום']],
    ['co\u00adoperate ١٢٣', ['cooperate', '123']],
    ['C# C++ F# .NET', ['c#', 'c++', 'f#', '.net', 'net']],
    [
      'Objective-C++ Notepad++ PR#123',
      ['objective-c++', 'c++', 'objective-c', 'objective', 'notepad++', 'notepad', 'pr', '123'],
    ],
    ['.env.local ./a ...b', ['.env.local', 'env.local', 'env', 'local', 'a', 'b']],
    ['10,000', ['10000', '10', '000']],
    ['10 000', ['10000', '10', '000']],
    ['1,499.50', ['1499', '1499.50', '1', '499.50', '499', '50']],
    ['10.0.0.1', ['10.0.0.1', '10', '0', '0', '1']],
    ['Will owns it. We will. Ask Will', ['=will', 'will', 'owns', 'it', 'we', 'will', 'ask', '=will', 'will']],
    ['IT, bucket S. It is. I am', ['==it', 'it', 'bucket', '=s', 's', 'it', 'is', 'i', 'am']],
    ['Сервер Ёлка йод', ['сервер', 'елка', 'иод']],
    ['الخادم متوقف', ['الخادم', 'متوقف']],
    ['हिन्दी', ['हिन्दी']],
    ['東京都', ['东京', '京都']],
    ['猫', ['猫']],
    ['東京。大阪', ['东京', '大阪']],
    ['サーバー', ['サー', 'ーバ', 'バー']],
    ['Việt Nam', ['viet', 'nam']],
    ['NATSを使う', ['nats', 'を使', '使う']],
    ['getUserを呼ぶ', ['getuser', 'get', 'user', 'を呼', '呼ぶ']],
    ['서버를', ['서버', '버를']],
    ['𠮷野家', ['𠮷野', '野家']],
  ])('%s', (text, expected) => {
    expect(termsOf(text)).toEqual(expected.map((word) => word.normalize('NFC')));
  });

  it('returns the same terms for composed and decomposed text', () => {
    for (const text of ['Café', 'サーバーが落ちた', '서버를 다시', 'Ёлка', 'Tiếng Việt', 'क़िला']) {
      expect(termsOf(text.normalize('NFD')), text).toEqual(termsOf(text.normalize('NFC')));
    }
  });

  it('returns pairs of Thai letters with their marks', () => {
    const whole = 'เซิร์ฟเวอร์หยุดทำงาน';
    for (const word of termsOf('หยุด')) expect(termsOf(whole)).toContain(word);
  });

  it('returns the position of each term', () => {
    const text = 'Ünïcode 🦭 parseJSONBody at api/run.ts, 東京都の猫 cafe\u0301 ＡＰＩ 서버를 𠮷野家 หยุด v1.2';
    let last = 0;
    for (const { term, start, end } of tokenize(text)) {
      const piece = text.slice(start, end);
      const folded = piece
        .normalize('NFKD')
        .replace(/[\u0300-\u036f]/g, '')
        .replace('東', '东')
        .normalize('NFC')
        .toLowerCase();
      expect(folded).toBe(term);
      expect(start).toBeGreaterThanOrEqual(last === 0 ? 0 : last - 20);
      last = start;
    }
    expect(text.slice(last)).toBe('2');
  });

  it('takes encoded data as one term, and what resembles it as words', () => {
    const base64 = Buffer.from(Array.from({ length: 300 }, (_, n) => (n * 7_919) % 251)).toString('base64');
    const lines = base64.replace(/(.{76})/g, '$1\n');
    for (const data of [base64, lines]) {
      const terms = termsOf(`logo ${data.slice(0, -20)} end`);
      expect([terms[0], terms.at(-1)]).toEqual(['logo', 'end']);
      expect(terms.length).toBeLessThan(12);
      expect(terms[1]).toBe(data.slice(0, 64).toLowerCase());
    }
    const path = '/usr/local/lib/node_modules/typescript/lib/protocol/completionsTriggerCharacter';
    expect(termsOf(path)).toContain('typescript');
    const ids = '/users/3f2a8c1e-77aa-4d0b-9c1e-0123456789ab/files/9b1deb4d-3b7d-4bad-9bdd-2b0d7b3dcb6d';
    expect(termsOf(ids)).toContain('3f2a8c1e');
  });

  it('truncates long terms', () => {
    const [only] = [...tokenize('x'.repeat(1_000))];
    expect(only).toEqual({ term: 'x'.repeat(64), start: 0, end: 1_000 });
  });

  it.each(['x', 'aB', 'a.', 'a_', '漢', 'é', 'e\u0301', '1', '.', '_', '-', '\u0301', 'A', 'a:', '서', 'ー'])(
    'takes linear time for a million times %j',
    (unit) => {
      const time = (count: number) => {
        const text = unit.repeat(count);
        const started = performance.now();
        let found = 0;
        for (const _ of tokenize(text)) found++;
        expect(found).toBeLessThanOrEqual(2 * text.length);
        return performance.now() - started;
      };
      // In quadratic time ten times the text would take a hundred times as long, and a megabyte minutes.
      const small = time(Math.floor(100_000 / unit.length));
      const large = time(Math.floor(1_000_000 / unit.length));
      expect(large).toBeLessThan(Math.max(40 * small, 2_000));
    },
  );
});

it('date terms are words and numbers', () => {
  expect(dateTerms(new Date('2023-05-08T23:00:00Z'))).toBe('8 may 2023 monday 2023-05-08');
});

describe('query parser', () => {
  it.each([
    'what does rsync -av do',
    'error -32602',
    'npm install -g',
    'docker run -d worker',
    '-staging',
    'deploy -staging -prod',
    'deploy\n-staging',
    'a - b',
    '"measure twice" -once',
    '+must -not (or) AND NOT title:x ~2 ^3 * ?',
  ])('takes every word of %j as a term', (query) => {
    expect(parseQuery(query).terms).toEqual([...new Set(termsOf(query))]);
  });

  it.each([
    ['say "measure twice" now', [['measure', 'twice']]],
    ['“Measure  Twice”', [['measure', 'twice']]],
    ['„genau so“ bitte', [['genau', 'so']]],
    ['«exactement»', [['exactement']]],
    ['"one" and "two"', [['one'], ['two']]],
    ['"unbalanced words', []],
    ['"" "?!" words', []],
    [`${'"a" '.repeat(1_000)}`, [['a'], ['a'], ['a'], ['a']]],
  ])('finds the phrases of %.40s', (query, expected) => {
    expect(parseQuery(query).phrases.map(({ terms }) => terms)).toEqual(expected);
  });

  it('matches a phrase whatever its white space, as whole words, with its special characters literal', () => {
    const patternOf = (text: string) => parseQuery(`"${text}"`).phrases[0]?.pattern;
    expect(patternOf('Measure  Twice')).toBe('(?:^|[^[:alnum:]])Measure\\s+Twice(?:[^[:alnum:]]|$)');
    expect(patternOf('a.*b(')).toBe('(?:^|[^[:alnum:]])a\\.\\*b\\(');
    expect(patternOf('通知')).toBe('通知');
  });

  it('takes the last term as unfinished unless something follows it', () => {
    expect(parseQuery('the kuber').lastTerm).toBe('kuber');
    for (const done of ['the kuber ', 'the kuber?', '"the kuber"']) {
      expect(parseQuery(done).lastTerm).toBeUndefined();
    }
  });

  it.each(['?', '""', ' - ', '…', '©', '"?" -!', '_'])('rejects a query without a term: %s', (query) => {
    expect(() => parseQuery(query)).toThrow(Problem);
    expect(() => parseQuery(query)).toThrow(expect.objectContaining({ code: 'unprocessable' }));
  });

  it('parses exclusions, and rejects one without a term by its place', () => {
    expect(parseExclusions(['server_pool', ' to production '])).toMatchObject([
      { terms: ['server_pool', 'server', 'pool'], isPhrase: false },
      { terms: ['to', 'production'], isPhrase: true },
    ]);
    const invalid = () => parseExclusions(['fine', '?!']);
    expect(invalid).toThrow('exclude.1: contains no word to exclude');
  });
});
