import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Json } from '../../support/client.ts';
import { idsOf, marked, search, storeAll, storeMany, titlesOf } from '../../support/retrieval.ts';
import { startTestService, type TestService, type TestUser } from '../../support/service.ts';

let node: TestService;

beforeAll(async () => {
  node = await startTestService();
});
afterAll(() => node.stop());

/** Returns the client of a new user who has stored these memories. */
async function clientWith(memories: readonly object[]) {
  const { api } = await node.newUser();
  await storeMany(api, memories);
  return api;
}
const texts = (...contents: string[]) => contents.map((content) => ({ title: content.split(' ')[0], content }));

describe('lexical ranking', () => {
  it('weights rare terms more than common ones', async () => {
    const common = Array.from({ length: 30 }, (_, n) => ({ title: `Note ${n}`, content: `the server runs task ${n}` }));
    const api = await clientWith([
      ...common,
      { title: 'Common', content: 'server server server tasks running' },
      { title: 'Rare', content: 'the quokka runs' },
    ]);
    expect(titlesOf(await search(api, 'server quokka'))[0]).toBe('Rare');
  });

  it('uses the term frequencies of the tenant: memories of others change no score', async () => {
    const mine = texts('alpha beta', 'alpha gamma', 'beta delta words');
    const api = await clientWith(mine);
    const before = (await search(api, 'alpha delta')).results.map(({ id, score }: Json) => [id, score.toFixed(4)]);
    await clientWith(
      Array.from({ length: 100 }, (_, n) => ({ title: `delta ${n}`, content: `delta delta alpha ${n}` })),
    );
    const after = (await search(api, 'alpha delta')).results.map(({ id, score }: Json) => [id, score.toFixed(4)]);
    expect(after).toEqual(before);
    const other = await clientWith(mine);
    const scores = (await search(other, 'alpha delta')).results.map(({ score }: Json) => score.toFixed(4));
    expect(scores).toEqual(before.map(([, score]: Json) => score));
  });

  it('ranks a short fact above a long text that repeats the term', async () => {
    const api = await clientWith([
      { title: 'Long', content: `${'Much is said here about everything else. '.repeat(80)} falcon falcon falcon` },
      { title: 'Short', content: 'Her falcon is called Storm.' },
      ...texts('one thing here', 'another thing there', 'some third thing'),
    ]);
    expect(titlesOf(await search(api, 'what is the falcon called'))).toEqual(['Short', 'Long']);
  });

  it('covers tags and titles', async () => {
    const api = await clientWith([
      { title: 'Plain', content: 'x', tags: ['Post-Mortem', 'größe'] },
      { title: 'Heading about turbines', content: 'y' },
    ]);
    for (const query of ['post-mortem', 'mortem', 'grösse größe', 'grosse größe', 'GRÖßE']) {
      expect(titlesOf(await search(api, query))).toEqual(['Plain']);
    }
    const found = await search(api, 'turbine');
    expect(titlesOf(found)).toEqual(['Heading about turbines']);
    expect(found.results[0].matched).toEqual(['turbine']);
  });

  it('covers the day that a memory is about', async () => {
    const api = await clientWith([
      { title: 'One', content: 'the dinner', occurred_at: '2023-05-08T19:00:00Z' },
      { title: 'Two', content: 'the dinner', occurred_at: '2023-06-09T19:00:00Z' },
    ]);
    for (const query of ['dinner on 8 May 2023', '2023-05-08', 'the dinner in May', 'the dinner on a Monday']) {
      expect(titlesOf(await search(api, query))[0]).toBe('One');
    }
  });

  it('raises memories after a match in its session more than those before, by their distance', async () => {
    const at = (minute: number) => `2025-01-01T10:0${minute}:00Z`;
    const contents = ['so what', 'well then', 'a stoat', 'oh yes', 'and more'];
    const api = await clientWith(
      contents.map((content, n) => ({ title: `Turn ${n}`, content, session_id: 's', occurred_at: at(n) })),
    );
    const { results } = await search(api, { query: 'stoat', explain: true });
    expect(titlesOf({ results })).toEqual(['Turn 2', 'Turn 3', 'Turn 1', 'Turn 4', 'Turn 0']);
    const [match, ...others] = results.map(({ explanation }: Json) => explanation);
    const shares = others.map((one: Json) => Number((one.session_context / match.lexical).toFixed(3)));
    expect(shares).toEqual([0.5, 0.4, 0.25, 0.2]);
  });

  it('is explained with `explain`, and not without', async () => {
    const { api } = await node.newUser();
    await storeAll(api, [
      { title: 'First', content: 'a stoat', session_id: 's', metadata: { importance: 0.9 } },
      { title: 'Second', content: 'and its burrow', session_id: 's' },
    ]);
    const [first, second] = (await search(api, { query: 'stoat', explain: true })).results;
    expect(Object.keys(first.explanation).toSorted()).toEqual(['importance', 'lexical', 'recency', 'session_context']);
    expect(first.explanation).toMatchObject({ importance: 0.9, session_context: 0 });
    expect(first.explanation.lexical).toBeGreaterThan(0);
    expect(second.explanation).toMatchObject({ lexical: 0 });
    expect(second.explanation.session_context).toBeGreaterThan(0);
    expect(first.reasons).toEqual(['Contains stoat (100 %)', 'Marked as important', 'Recent']);
    expect(second.reasons).toEqual(['Beside a match in its session (100 %)', 'Recent']);
    const [plain] = (await search(api, 'stoat')).results;
    expect(plain).not.toHaveProperty('explanation');
    expect(plain).not.toHaveProperty('reasons');
  });
});

describe('query with the characters of operators', () => {
  it.each([
    ['what does rsync -av do', 'Use rsync -av --delete to mirror the photos.', 'rsync runs every night from the NAS.'],
    ['error -32602', 'The server returns error -32602 for an unknown tool.', 'This error is harmless.'],
    ['npm install -g', 'Run npm install -g whitemagic once.', 'npm install takes a minute.'],
    ['docker run -d worker', 'Start it by docker run -d worker.', 'docker run is documented elsewhere.'],
    ['tar -xzf backup', 'Unpack with tar -xzf backup.tgz.', 'The backup is a tar file.'],
    ['"git" "rebase -i"', 'git rebase -i squashes commits.', 'git rebase is dangerous.'],
    ['python -m venv NOT conda', 'python -m venv makes it; not conda.', 'python is installed.'],
  ])('excludes nothing: %s', async (query, best, other) => {
    const api = await clientWith([
      { title: 'Other', content: other },
      { title: 'Best', content: best },
    ]);
    expect(titlesOf(await search(api, query))).toEqual(['Best', 'Other']);
  });

  it('ranks memories with a quoted phrase first, whatever its case and white space, and excludes no others', async () => {
    const api = await clientWith([
      { title: 'Phrase', content: `We measure twice and cut once. ${'So much else is said here. '.repeat(20)}` },
      { title: 'Scattered', content: 'Twice we cut; once we measure, and then measure again twice.' },
      { title: 'Broken', content: 'measure\n   TWICE, please' },
    ]);
    for (const query of ['"measure twice"', '“Measure  Twice”', 'cut "measure twice" once', '„measure twice“']) {
      const titles = titlesOf(await search(api, query));
      expect(titles.slice(0, 2).toSorted()).toEqual(['Broken', 'Phrase']);
      expect(titles).toHaveLength(3);
    }
    expect((await search(api, '"twice measure cut"')).total).toBe(3);
    expect((await search(api, '"quokka twice"')).total).toBe(3);
  });
});

describe('exclude', () => {
  it('leaves out memories with the word in any inflection, as a part of an identifier, or as a tag', async () => {
    const api = await clientWith([
      { title: 'A', content: 'deploy to staging' },
      { title: 'B', content: 'deployed to production servers', tags: ['old'] },
      { title: 'C', content: 'deploy the server_pool' },
    ]);
    const titles = async (...exclude: string[]) => titlesOf(await search(api, { query: 'deploy', exclude })).toSorted();
    expect(await titles('staging')).toEqual(['B', 'C']);
    expect(await titles('server')).toEqual(['A']);
    expect(await titles('server_pool')).toEqual(['A', 'B']);
    expect(await titles('old')).toEqual(['A', 'C']);
    expect(await titles('staging', 'production')).toEqual(['C']);
    expect(await titles('nonexistent')).toEqual(['A', 'B', 'C']);
    expect(await titles('deploy')).toEqual([]);
    expect(await titles()).toEqual(['A', 'B', 'C']);
  });

  it('leaves out a phrase only where its words stand in this order, and a stop word as it is written', async () => {
    const api = await clientWith([
      { title: 'A', content: 'deploy to Production\n servers' },
      { title: 'B', content: 'servers in production: deploy' },
    ]);
    const titles = async (text: string) => titlesOf(await search(api, { query: 'deploy', exclude: [text] }));
    expect(await titles('production servers')).toEqual(['B']);
    expect(await titles('to production')).toEqual(['B']);
    expect(await titles('to')).toEqual(['B']);
    expect((await titles('server production')).toSorted()).toEqual(['A', 'B']);
  });

  it('is counted in the total, and bound to the cursor', async () => {
    const api = await clientWith(
      Array.from({ length: 30 }, (_, n) => ({ title: `T${n}`, content: `wombat ${n % 2 ? 'odd' : 'even'}` })),
    );
    const body = { query: 'wombat', exclude: ['odd'], limit: 10 };
    const page = await search(api, body);
    expect(page).toMatchObject({ total: 15, total_relation: 'eq' });
    const rest = await search(api, { ...body, cursor: page.next_cursor });
    expect([rest.results.length, rest.next_cursor]).toEqual([5, null]);
    const other = await api.post('/search', { ...body, exclude: ['even'], cursor: page.next_cursor });
    expect([other.status, other.body.errors[0].path]).toEqual([400, 'cursor']);
  });

  it('is rejected where it names no word, or too much', async () => {
    const { api } = await node.newUser();
    for (const [exclude, path] of [
      [['?!'], 'exclude.0'],
      [Array.from({ length: 21 }, (_, n) => `w${n}`), 'exclude'],
      [['x'.repeat(201)], 'exclude.0'],
    ]) {
      const rejected = await api.post('/search', { query: 'x', exclude });
      expect([rejected.status, rejected.body.errors[0].path]).toEqual([422, path]);
    }
  });
});

describe('term expansion', () => {
  it('matches an unfinished last word, and only the last', async () => {
    const api = await clientWith(texts('kubernetes cluster', 'terraform plan'));
    const found = await search(api, 'the kuber');
    expect(titlesOf(found)).toEqual(['kubernetes']);
    expect(found.results[0].matched).toEqual(['kuber']);
    // The query's own word, not its stem.
    expect((await search(api, 'the kubers')).results[0].matched).toEqual(['kubers']);
    expect(marked(found.results[0])).toContain('**kubernetes**');
    expect(titlesOf(await search(api, 'kube terraform'))).toEqual(['terraform']);
  });

  it('matches a misspelled word with similar ones, below a correctly spelled one', async () => {
    const api = await clientWith(texts('kubernetes cluster', 'postgres vacuum', 'elephant walk'));
    expect(titlesOf(await search(api, 'kuberntes setup'))).toEqual(['kubernetes']);
    expect(titlesOf(await search(api, 'postgers problems'))).toEqual(['postgres']);
    expect(titlesOf(await search(api, 'xylophone repair'))).toEqual([]);
    const right = (await search(api, 'elephant')).results[0].score;
    const wrong = (await search(api, 'elefant')).results[0].score;
    expect(wrong).toBeLessThan(right);
  });

  it.each([
    ['another first letter', 'jubernetes'],
    ['no first letter', 'ubernetes'],
    ['one letter before', 'akubernetes'],
    ['the first two swapped', 'ukbernetes'],
    ['two mistakes', 'jubernettes'],
  ])('matches a word that is misspelled at its start: %s', async (_name, query) => {
    const api = await clientWith(texts('kubernetes cluster', 'terraform plan'));
    expect(titlesOf(await search(api, `${query} setup`))).toEqual(['kubernetes']);
  });

  it.each([
    ['9f3c1ab', '9f3c1abe77d04c2b8a6f15e93d0c4b2a1f6e8d70'],
    ['9F3C1AB', '9f3c1abe77d04c2b8a6f15e93d0c4b2a1f6e8d70'],
    ['deadbee', 'deadbeefcafe0123456789abcdef0123456789ab'],
    ['9f3c1abe77d04c2b8a6f15e93d0c4b2a1f6e8d70', '9f3c1ab'],
    ['550e84', '550e8400-e29b-41d4-a716-446655440000'],
    ['550e8400-e29b', '550e8400-e29b-41d4-a716-446655440000'],
    ['LDG-77', 'LDG-7741'],
    ['01j8xk', '01J8XKQ5T0ZV7W3N2M4P6R8S9T'],
    ['cus_Nf9', 'cus_Nf9QzL2x'],
  ])('matches the id prefix %s anywhere in a query', async (part, id) => {
    const api = await clientWith([
      { title: 'Id', content: `The fault came with ${id}, on Monday` },
      { title: 'Other', content: 'Terraform plan for the cluster' },
    ]);
    for (const query of [part, `what broke in ${part}?`, `${part} broke what`, `is "${part}" deployed yet`]) {
      expect([query, titlesOf(await search(api, query))[0]]).toEqual([query, 'Id']);
    }
  });

  it('matches an abbreviated id and the whole id by either', async () => {
    const [short, whole] = ['9f3c1ab', '9f3c1abe77d04c2b8a6f15e93d0c4b2a1f6e8d70'];
    const api = await clientWith(texts(`short ${short}`, `whole ${whole}`, 'neither'));
    for (const query of [`revert ${short}?`, `revert ${whole}?`]) {
      expect(titlesOf(await search(api, query)).toSorted()).toEqual(['short', 'whole']);
    }
  });

  it('treats pattern characters literally', async () => {
    const api = await clientWith(texts('kubernetes cluster'));
    for (const query of ['C:\\temp\\kube', 'x\\y\\', 'a\\', 'qu__rnetes']) {
      expect([query, titlesOf(await search(api, `${query} setup`))]).toEqual([query, []]);
    }
  });
});

describe('search in other languages', () => {
  it.each([
    ['Straße', 'Die Straße ist gesperrt', 'straße gesperrt'],
    ['accents', 'El café está en la esquina', 'cafe esta'],
    ['accents asked', 'naive resume', 'naïve résumé'],
    ['decomposed', 'cafe\u0301 cre\u0300me', 'café crème'],
    ['Japanese', '配達通知は夜間に送らない', '通知'],
    ['Japanese, one character', '黒猫が庭で寝ている', '猫'],
    ['Japanese, the last character', '彼女は白い猫', '猫'],
    ['katakana with a long sound', 'ステージングサーバーを再起動した', 'サーバー'],
    ['katakana of half width', 'ｻｰﾊﾞｰを再起動した', 'サーバー'],
    ['katakana decomposed', 'サーハ\u3099ーを再起動した', 'サーバー'],
    ['Japanese with Latin', 'NATSを選んだ', 'nats'],
    ['Chinese', '服务器的端口是五四三三', '端口'],
    ['Korean with a particle', '서버를 다시 시작했다', '서버 문제'],
    ['Korean decomposed', '서버를 다시'.normalize('NFD'), '서버'],
    ['Thai', 'เซิร์ฟเวอร์หยุดทำงาน', 'หยุด'],
    ['Russian', 'Сервер перезапущен ночью', 'сервер'],
    ['Greek', 'Η θάλασσα είναι ήρεμη', 'θάλασσα'],
    ['Arabic', 'الخادم متوقف الآن', 'متوقف'],
    ['Hebrew', 'השרת נפל בלילה', 'השרת'],
    ['Hindi', 'सर्वर बंद है', 'सर्वर'],
    ['full width', 'ＡＰＩ １２３', 'api 123'],
    ['ligature', 'the ﬁle', 'file'],
  ])('%s', async (_name, content, query) => {
    const api = await clientWith([
      { title: '1', content },
      { title: '2', content: 'something else' },
    ]);
    const found = await search(api, query);
    expect(titlesOf(found)).toEqual(['1']);
    expect(found.results[0].matched).not.toEqual([]);
    expect(marked(found.results[0])).toContain('**');
    expect(found.results[0].snippet).toBe(content);
  });
});

describe('search for code identifiers', () => {
  const NOTE = {
    title: 'Code',
    content:
      'getUserProfile in api/pipeline/run.ts calls parse_json_body and std::vector of HTTPServer v1.2.3, mail anna.b@example.com',
  };
  it.each([
    'getUserProfile',
    'getuserprofile',
    'user profile',
    'api/pipeline/run.ts',
    'run.ts',
    'pipeline',
    'parse_json_body',
    'json',
    'std::vector',
    'vector',
    'HTTPServer',
    'http server',
    'v1.2.3',
    'anna.b@example.com',
    'example.com',
    'anna',
  ])('finds them whole and by part: %s', async (query) => {
    const api = await clientWith([NOTE, { title: 'Other', content: 'nothing of the kind' }]);
    const found = await search(api, query);
    expect(titlesOf(found)).toEqual(['Code']);
    expect(marked(found.results[0])).toContain('**');
    expect(found.results[0].snippet).toBe(NOTE.content);
  });

  it('ranks the whole identifier above its parts', async () => {
    const api = await clientWith([
      { title: 'Parts', content: 'the user may get a profile, and the profile of a user' },
      { title: 'Whole', content: 'and then getUserProfile is called' },
      { title: 'Other', content: 'getUserName is another' },
    ]);
    expect(titlesOf(await search(api, 'getUserProfile'))[0]).toBe('Whole');
  });
});

describe('lexical search', () => {
  it('returns a memory whenever one that matches the filter shares a term with the query', async () => {
    const words = ['kelp', 'crab', 'tide', 'reef', 'gull', 'sand', 'wave', 'shell', '猫', 'サーバー', 'v1.2', 'E_42'];
    const some = fc.array(fc.constantFrom(...words), { minLength: 1, maxLength: 4 });
    const filler = fc.constantFrom('the', 'what about', 'zzzzqq', 'is', '?', '-', '"', '(');
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ words: some, project: fc.constantFrom('a', 'b') }), { minLength: 1, maxLength: 8 }),
        fc.array(fc.oneof(some, fc.array(filler, { maxLength: 2 })), { minLength: 1, maxLength: 5 }),
        async (memories, asked) => {
          const query = asked.flat().join(' ');
          const wanted = asked.flat().filter((word) => words.includes(word));
          fc.pre(wanted.length > 0 && !query.includes('"'));
          const { api } = await node.newUser();
          await storeMany(
            api,
            memories.map((memory, n) => ({
              title: `${n}`,
              content: `${memory.words.join(' ')} ${randomUUID()}`,
              project: memory.project,
            })),
          );
          for (const project of ['a', 'b']) {
            const shares = memories.some(
              (memory) => memory.project === project && memory.words.some((word) => wanted.includes(word)),
            );
            const found = await search(api, { query, project });
            if (shares) expect(found.results.length, query).toBeGreaterThan(0);
          }
        },
      ),
      { numRuns: 30 },
    );
  });

  it('takes candidates from the rarest terms when thousands share one, and says so in `total_relation`', async () => {
    const owner = await node.newUser();
    await fill(owner, 5_000, 'ballast');
    const [rare] = await storeAll(owner.api, [{ title: 'Rare', content: 'ballast of zirconium', project: 'p' }]);
    const both = await search(owner.api, 'ballast zirconium');
    expect(idsOf(both)[0]).toBe(rare);
    expect(both.total_relation).toBe('gte');
    const common = await search(owner.api, 'ballast');
    expect(common).toMatchObject({ total: 5_001, total_relation: 'eq' });
    // The filter excludes the memory with the rare term: the common term still finds the others.
    const elsewhere = await search(owner.api, { query: 'ballast zirconium', project: null });
    expect(elsewhere.results).toHaveLength(10);
    await owner.api.delete(`/memories/${rare}`);
    expect((await search(owner.api, 'ballast zirconium')).results).toHaveLength(10);
  });

  it('prefers memories with two of the terms when even the rarest term has more memories than are scored', async () => {
    const owner = await node.newUser();
    await fill(owner, 10_100, 'ballast');
    // As if ten thousand memories held it: frequencies are read from the lexicon only.
    const [both] = await storeAll(owner.api, [{ title: 'Both', content: 'a keel on its own ballast' }]);
    const sql = `update lexicon set memories = 10200 where user_id = $1 and lexeme = 'keel'`;
    await node.service.database.owner.query(sql, [owner.userId]);
    const found = await search(owner.api, 'ballast keel');
    expect([idsOf(found)[0], found.total_relation]).toEqual([both, 'gte']);
    const common = await search(owner.api, 'ballast');
    expect(common).toMatchObject({ total: 10_000, total_relation: 'gte' });
    expect(common.results).toHaveLength(10);
  });
});

describe('snippet', () => {
  it('is the best passage of a 100 kB text, bounded, with the matches marked', async () => {
    const filler = Array.from({ length: 2_000 }, (_, n) => `Line ${n} speaks of the usual things and of tasks.`);
    for (const place of [500, 1_000, 2_000]) {
      const lines = [...filler];
      lines.splice(place, 0, 'The mascot of the team is an armadillo called Biscuit.');
      const api = await clientWith([{ title: 'Minutes', content: lines.join(' ').slice(-100_000) }]);
      const [hit] = (await search(api, 'Which armadillo is the mascot?')).results;
      expect(marked(hit)).toContain('**mascot** of the team is an **armadillo** called Biscuit.');
      expect(hit.snippet.length).toBeLessThan(500);
      expect(hit.matched).toEqual(['armadillo', 'mascot']);
    }
  });

  it('is the text as it is stored, with the matches as offsets', async () => {
    const content = '  \n\u{1F4B0} see https://billing.example.org/ (billing)\n\tBillings: none';
    const api = await clientWith([{ title: 'Page', content }]);
    const [{ snippet, highlights }] = (await search(api, 'billing')).results;
    expect(snippet).toBe(content.trim());
    const words = highlights.map(({ start, end }: Json) => snippet.slice(start, end));
    expect(words).toEqual(['billing', 'billing', 'Billings']);
  });

  it('is bounded for a text without spaces', async () => {
    for (const blob of ['x'.repeat(100_000), '漢'.repeat(30_000), 'a.b/'.repeat(25_000)]) {
      const api = await clientWith([{ title: 'Blob', content: `${blob} pelican` }]);
      const answer = await api.post('/search', { query: 'pelican' });
      expect(titlesOf(answer.body)).toEqual(['Blob']);
      expect(answer.text.length).toBeLessThan(5_000);
      expect(marked(answer.body.results[0])).toContain('**pelican**');
    }
  });
});

describe('lexicon', () => {
  it('follows updates, archiving and deletion at once', async () => {
    const { api } = await node.newUser();
    const [id] = await storeAll(api, [{ title: 'T', content: 'ocelot', tags: ['margay'] }]);
    const finds = async (query: string) => (await search(api, query)).total;
    await api.patch(`/memories/${id}`, { content: 'jaguar', tags: ['puma'] });
    expect([await finds('ocelot'), await finds('margay'), await finds('jaguar'), await finds('puma')]).toEqual([
      0, 0, 1, 1,
    ]);
    await api.delete(`/memories/${id}`);
    expect(await finds('jaguar')).toBe(0);
    expect((await search(api, { query: 'jaguar', status: 'all' })).total).toBe(1);
    await api.post(`/memories/${id}/restore`, { version: 1 });
    await api.post(`/memories/${id}/restore`, {});
    expect([await finds('ocelot'), await finds('jaguar')]).toEqual([1, 0]);
    await api.delete(`/memories/${id}?permanent=true`);
    expect((await search(api, { query: 'ocelot', status: 'all' })).total).toBe(0);
  });

  it('equals a count over the memories after any operations, concurrent ones too', async () => {
    const content = fc
      .array(fc.constantFrom('kelp', 'crab', 'tides', 'getUserProfile', '猫が好き', '2023-05-08'), { maxLength: 5 })
      .map((list) => `x${list.join(' ')}`);
    const step = fc.record({
      act: fc.constantFrom(
        'create',
        'create',
        'patch',
        'put',
        'archive',
        'restore',
        'remove',
        'batch',
        'bulk',
        'consolidate',
      ),
      pick: fc.nat({ max: 100 }),
      content,
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { minLength: 5, maxLength: 25 }),
        fc.integer({ min: 1, max: 6 }),
        async (steps, atOnce) => {
          const user = await node.newUser();
          const ids = await storeAll(user.api, [{ title: 'first', content: 'first' }]);
          for (let from = 0; from < steps.length; from += atOnce) {
            await Promise.all(steps.slice(from, from + atOnce).map((one) => take(user, ids, one)));
          }
          await expectConsistentLexicon(user);
        },
      ),
      { numRuns: 15 },
    );
  });
});

async function take(
  { api }: TestUser,
  ids: string[],
  { act, pick, content }: { act: string; pick: number; content: string },
): Promise<void> {
  const id = ids[pick % ids.length] as string;
  const path = `/memories/${id}`;
  const acts: Record<string, () => Promise<{ status: number; body: Json }>> = {
    create: () => api.post('/memories', { title: `T ${pick}`, content, tags: ['a b'] }),
    patch: () => api.patch(path, { content, tags: [`t${pick}`] }),
    put: () => api.put(path, { title: 'put', content }),
    archive: () => api.delete(path),
    restore: () => api.post(`${path}/restore`, pick % 2 ? { version: 1 } : {}),
    remove: () => api.delete(`${path}?permanent=true`),
    batch: () => api.post('/memories/batch', { memories: [{ title: 'b', content }, { title: '' }] }),
    bulk: () =>
      api.post('/memories/bulk', {
        filter: { tags: ['a b'] },
        action: pick % 3 ? 'add_tags' : 'delete',
        ...(pick % 3 && { tags: ['bulk tag'] }),
        dry_run: pick % 5 === 0,
      }),
    consolidate: () => api.post('/consolidate', { min_age_days: 0, dry_run: pick % 2 === 0 }),
  };
  const answer = await (acts[act] as () => Promise<{ status: number; body: Json }>)();
  expect(answer.status, JSON.stringify(answer.body)).toBeLessThan(500);
  if (act === 'create' && answer.status === 201) ids.push(answer.body.id);
}

/** Expects the lexicon and the totals to equal a count over the memories. */
async function expectConsistentLexicon({ userId }: TestUser): Promise<void> {
  const { owner } = node.service.database;
  const wrong = await owner.query(
    `select * from (select hash, memories::bigint from lexicon where user_id = $1 and memories <> 0) kept
      full join (select hash, count(*) as memories from memories, unnest(terms) as hash where user_id = $1 group by hash) counted
      using (hash) where kept.memories is distinct from counted.memories`,
    [userId],
  );
  expect(wrong.rows).toEqual([]);
  const { rows } = await owner.query(
    `select q.memories::int, q.words::int, (select count(*)::int from memories where user_id = $1) as counted_memories,
        (select coalesce(sum(length), 0)::int from memories where user_id = $1) as counted_words
      from quotas q where user_id = $1`,
    [userId],
  );
  expect(rows[0].memories).toBe(rows[0].counted_memories);
  expect(rows[0].words).toBe(rows[0].counted_words);
}

/** Stores memories that share a term: one through the API, which is then copied in SQL with its terms, lexicon and totals. */
async function fill({ api, userId }: TestUser, count: number, word: string): Promise<void> {
  const [id] = await storeAll(api, [{ title: 'Filler', content: word }]);
  const { owner } = node.service.database;
  const copies = count - 1;
  await owner.query(
    `insert into memories (user_id, id, type, status, title, content, tags, metadata, version, content_hash, size_bytes,
        created_at, updated_at, terms, frequencies, length)
      select user_id, gen_random_uuid(), type, status, title, content, tags, metadata, version,
        sha256(convert_to(n::text, 'UTF8')), size_bytes, created_at + n * interval '1 millisecond', updated_at,
        terms, frequencies, length
      from memories, generate_series(1, $3::int) n where user_id = $1 and id = $2`,
    [userId, id, copies],
  );
  await owner.query(
    `update lexicon set memories = memories + $3 where user_id = $1
      and hash = any (select unnest(terms) from memories where user_id = $1 and id = $2)`,
    [userId, id, copies],
  );
  await owner.query(
    `update quotas q set memories = q.memories + $3, words = q.words + $3 * m.length,
        storage_bytes = q.storage_bytes + $3 * m.size_bytes
      from memories m where q.user_id = $1 and m.user_id = $1 and m.id = $2`,
    [userId, id, copies],
  );
}
