import { describe, expect, it } from 'vitest';
import { Problem } from '../../../api/errors.ts';
import { isNarrowed, parseQuestion, plainQuestion } from '../../../api/search/query-parser.ts';
import { dateWords, wordsOf } from '../../../api/search/tokenizer.ts';

const words = (text: string) => [...wordsOf(text)].map(({ word }) => word);

describe('the words of a text', () => {
  it.each<[string, string[]]>([
    ['', []],
    ['?! – … «»', []],
    ['🦭🎉', []],
    ['Two  words,\nthree', ['two', 'words', 'three']],
    ["it's", ['it', 's']],
    ['walrus🦭whale', ['walrus', 'whale']],
    ['👩🏽‍💻 codes', ['codes']],
    ['snake_case_name', ['snake_case_name', 'snake', 'case', 'name']],
    ['_private __init__', ['_private', 'private', '__init__', 'init']],
    ['camelCase', ['camelcase', 'camel', 'case']],
    ['parseJSONBody', ['parsejsonbody', 'parse', 'json', 'body']],
    ['HTTPServer', ['httpserver', 'http', 'server']],
    ['URL', ['url']],
    ['utf8Decoder', ['utf8decoder', 'utf8', 'decoder']],
    ['MAX_VALUE', ['max_value', 'max', 'value']],
    ['kebab-case', ['kebab-case', 'kebab', 'case']],
    ['api/gates/run.ts', ['api/gates/run.ts', 'api', 'gates', 'run', 'ts']],
    ['C:\\Temp\\a.log', ['c:\\temp\\a.log', 'c', 'temp', 'a', 'log']],
    ['v1.2.3', ['v1.2.3', 'v1', '2', '3']],
    ['std::vector', ['std::vector', 'std', 'vector']],
    ['anna.b@example.com', ['anna.b@example.com', 'anna', 'b', 'example', 'com']],
    ['2023-05-08', ['2023-05-08', '2023', '05', '08']],
    ['The end.', ['the', 'end']],
    ['Café crème naïve', ['cafe', 'creme', 'naive']],
    ['Cafe\u0301 cre\u0300me', ['cafe', 'creme']],
    ['ＡＰＩ ﬁle ①', ['api', 'file', '1']],
    ['Straße Ångström Ñandú İzmir', ['straße', 'angstrom', 'nandu', 'izmir']],
    ['Сервер Ёлка йод', ['сервер', 'елка', 'иод']],
    ['الخادم متوقف', ['الخادم', 'متوقف']],
    ['हिन्दी', ['हिन्दी']],
    ['東京都', ['東京', '京都']],
    ['猫', ['猫']],
    ['東京。大阪', ['東京', '大阪']],
    ['サーバー', ['サー', 'ーバ', 'バー']],
    ['Việt Nam', ['viet', 'nam']],
    ['NATSを使う', ['nats', 'を使', '使う']],
    ['getUserを呼ぶ', ['getuser', 'get', 'user', 'を呼', '呼ぶ']],
    ['서버를', ['서버', '버를']],
    ['𠮷野家', ['𠮷野', '野家']],
  ])('%s', (text, expected) => {
    expect(words(text)).toEqual(expected.map((word) => word.normalize('NFC')));
  });

  it('are the same composed and decomposed', () => {
    for (const text of ['Café', 'サーバーが落ちた', '서버를 다시', 'Ёлка', 'Tiếng Việt', 'क़िला']) {
      expect(words(text.normalize('NFD')), text).toEqual(words(text.normalize('NFC')));
    }
  });

  it('of Thai are pairs of letters with their marks', () => {
    const whole = 'เซิร์ฟเวอร์หยุดทำงาน';
    for (const word of words('หยุด')) expect(words(whole)).toContain(word);
  });

  it('stand where they say', () => {
    const text = 'Ünïcode 🦭 parseJSONBody at api/run.ts, 東京都の猫 cafe\u0301 ＡＰＩ 서버를 𠮷野家 หยุด v1.2';
    let last = 0;
    for (const { word, start, end } of wordsOf(text)) {
      const piece = text.slice(start, end);
      const folded = piece
        .normalize('NFKD')
        .replace(/[\u0300-\u036f]/g, '')
        .normalize('NFC')
        .toLowerCase();
      expect(folded).toBe(word);
      expect(start).toBeGreaterThanOrEqual(last === 0 ? 0 : last - 20);
      last = start;
    }
    expect(text.slice(last)).toBe('2');
  });

  it('are cut where they are longer than any word', () => {
    const [only] = [...wordsOf('x'.repeat(1_000))];
    expect(only).toEqual({ word: 'x'.repeat(64), start: 0, end: 1_000 });
  });

  it.each(['x', 'aB', 'a.', 'a_', '漢', 'é', 'e\u0301', '1', '.', '_', '-', '\u0301', 'A', 'a:', '서', 'ー'])(
    'of a million times %j take linear time',
    (unit) => {
      const time = (count: number) => {
        const text = unit.repeat(count);
        const started = performance.now();
        let found = 0;
        for (const _ of wordsOf(text)) found++;
        expect(found).toBeLessThanOrEqual(2 * text.length);
        return performance.now() - started;
      };
      // Squared, ten times the text would take a hundred times as long, and a megabyte minutes.
      const small = time(Math.floor(100_000 / unit.length));
      const large = time(Math.floor(1_000_000 / unit.length));
      expect(large).toBeLessThan(Math.max(40 * small, 2_000));
    },
  );
});

it('a day is asked for in words and in figures', () => {
  expect(dateWords(new Date('2023-05-08T23:00:00Z'))).toBe('8 may 2023 monday 2023-05-08');
});

describe('a question', () => {
  it.each([
    ['say "measure twice" now', ['measure twice'], ['say', 'now', 'measure', 'twice']],
    ['“Measure  Twice”', ['measure twice'], ['measure', 'twice']],
    ['„genau so“ bitte', ['genau so'], ['bitte', 'genau', 'so']],
    ['"one" and "two"', ['one', 'two'], ['and', 'one', 'two']],
    ['"unbalanced words', [], ['unbalanced', 'words']],
    ['"" words', [], ['words']],
    ['"?!" words', [], ['words']],
    ['"a -b c"', ['a -b c'], ['a', 'b', 'c']],
  ])('%s has the phrases %j', (query, phrases, expected) => {
    const question = parseQuestion(query);
    expect([question.phrases, question.words.toSorted()]).toEqual([phrases, expected.toSorted()]);
    expect(isNarrowed(question)).toBe(phrases.length > 0);
  });

  it.each([
    ['deploy -staging', [['staging']], ['deploy']],
    ['deploy\n-staging -prod', [['staging'], ['prod']], ['deploy']],
    ['deploy -server_pool', [['server_pool', 'server', 'pool']], ['deploy']],
    ['e-mail well-known', [], ['e-mail', 'e', 'mail', 'well-known', 'well', 'known']],
    ['-staging first', [], ['staging', 'first']],
    ['a - b', [], ['a', 'b']],
    ['a --flag', [], ['a', 'flag']],
    ['deploy -"staging"', [], ['deploy', 'staging']],
  ])('%s excludes %j', (query, excluded, expected) => {
    const question = parseQuestion(query);
    expect(question.excluded).toEqual(excluded);
    expect(question.words.toSorted()).toEqual(expected.toSorted());
  });

  it('whose operators leave nothing is its words', () => {
    expect(parseQuestion(' -staging')).toEqual({ ...plainQuestion('staging') });
    expect(isNarrowed(parseQuestion(' -staging -prod'))).toBe(false);
  });

  it('ends in a word that may be only begun, unless something follows it', () => {
    expect(parseQuestion('the kuber').last).toBe('kuber');
    for (const done of ['the kuber ', 'the kuber?', 'kuber -x', '"the kuber"']) {
      expect(parseQuestion(done).last).toBeUndefined();
    }
  });

  it.each(['?', '""', ' - ', '…', '🦭', '"?" -!', '_'])('without a word is refused: %s', (query) => {
    for (const parse of [parseQuestion, plainQuestion]) {
      expect(() => parse(query)).toThrow(Problem);
      expect(() => parse(query)).toThrow(expect.objectContaining({ code: 'unprocessable' }));
    }
  });
});
