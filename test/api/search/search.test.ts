import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Json } from '../../support/client.ts';
import { marked } from '../../support/retrieval.ts';
import { startTestService, type TestService, type TestUser } from '../../support/service.ts';

let node: TestService;

beforeAll(async () => {
  node = await startTestService();
});
afterAll(() => node.stop());

/** Creates a user who stores these memories in order. Returns their ids too. */
async function userWith(memories: object[]): Promise<{ owner: TestUser; ids: string[] }> {
  const owner = await node.newUser();
  const ids: string[] = [];
  for (const memory of memories) {
    const made = await owner.api.post('/memories', memory);
    expect(made.status).toBe(201);
    ids.push(made.body.id);
  }
  return { owner, ids };
}

async function search(owner: TestUser, body: object): Promise<Json> {
  const answer = await owner.api.post('/search', body);
  expect(answer.status, answer.text).toBe(200);
  return answer.body;
}
const titles = (answer: Json): string[] => answer.results.map(({ title }: Json) => title);

describe('search', () => {
  it('finds memories with any word of the query in any inflection, those with more words first', async () => {
    const { owner } = await userWith([
      { title: 'One', content: 'The parrot sings in the morning' },
      { title: 'Two', content: 'The parrot and the goldfish sing' },
      { title: 'Three', content: 'Nothing of interest' },
      { title: 'Four', content: 'Fish, golden' },
    ]);
    const found = await search(owner, { query: 'Did parrots and a goldfish ever sing together?' });
    expect(titles(found)).toEqual(['Two', 'One']);
    expect(found).toMatchObject({ total: 2, total_relation: 'eq', next_cursor: null, truncated: false });
    expect(found.results[0].matched).toEqual(['goldfish', 'parrots', 'sing']);
    expect(found.results[1].matched).toEqual(['parrots', 'sing']);
    expect(found.results[0].score).toBeGreaterThan(found.results[1].score);
  });

  it('ranks title hits above content hits, and the newer of equals first', async () => {
    const { owner } = await userWith([
      { title: 'Notes', content: 'about the lighthouse' },
      { title: 'Notes', content: 'about the lighthouse', project: 'later' },
      { title: 'Lighthouse', content: 'keeper and lamp' },
    ]);
    const found = await search(owner, { query: 'lighthouse' });
    expect(found.results.map(({ title, project }: Json) => [title, project])).toEqual([
      ['Lighthouse', null],
      ['Notes', 'later'],
      ['Notes', null],
    ]);
  });

  it('returns the passage around the hit, wherever in the text, with the matches marked', async () => {
    const filler = 'lorem ipsum dolor sit amet '.repeat(300);
    const { owner, ids } = await userWith([
      {
        title: 'Long',
        content: `${filler} the wombats dig at night ${filler}`,
        tags: ['x'],
        project: 'p',
        session_id: 's',
      },
    ]);
    const [hit] = (await search(owner, { query: 'wombat' })).results;
    expect(marked(hit)).toContain('**wombats** dig at night');
    expect(hit.snippet.length).toBeLessThan(1_000);
    const stored = (await owner.api.get(`/memories/${ids[0]}`)).body;
    for (const field of Object.keys(hit).filter(
      (name) => !['snippet', 'highlights', 'score', 'matched'].includes(name),
    )) {
      expect(hit[field], field).toEqual(stored[field]);
    }
  });

  it.each([
    'it\'s "quoted" & (unbalanced | !operators <-> :*',
    "'; drop table memories; --",
    '%_\\ $1 {} [] <b>walrus</b>',
    '日本語 walrus 🦭',
    'walrus '.repeat(1_000),
  ])('takes any text as plain words: %s', async (query) => {
    const { owner } = await userWith([{ title: 'T', content: 'a walrus, quoted: unbalanced operators drop' }]);
    expect((await search(owner, { query })).total).toBe(1);
  });

  it('matches nothing by stop words alone, and reports that something is stored', async () => {
    const { owner } = await userWith([{ title: 'T', content: 'the and of' }]);
    expect(await search(owner, { query: 'the of and' })).toMatchObject({
      results: [],
      total: 0,
      reason: 'nothing_matched',
    });
  });

  it('distinguishes nothing_stored from nothing_matched', async () => {
    const newcomer = await node.newUser();
    expect(await search(newcomer, { query: 'x' })).toEqual({
      results: [],
      total: 0,
      total_relation: 'eq',
      next_cursor: null,
      truncated: false,
      retrievers: { lexical: 'ok', semantic: 'disabled' },
      reason: 'nothing_stored',
    });
    const { owner } = await userWith([{ title: 'T', content: 'platypus' }]);
    expect((await search(owner, { query: 'otter' })).reason).toBe('nothing_matched');
    expect((await search(owner, { query: 'platypus', type: 'long_term' })).reason).toBe('nothing_matched');
    expect(await search(owner, { query: 'platypus' })).not.toHaveProperty('reason');
  });

  it('rejects a blank, missing or too long query and unknown fields', async () => {
    const owner = await node.newUser();
    const cases: [body: object, status: number, path: string][] = [
      [{}, 400, 'query'],
      [{ query: '  ' }, 422, 'query'],
      [{ query: 'x'.repeat(10_001) }, 422, 'query'],
      [{ query: 7 }, 400, 'query'],
      [{ query: 'x', limit: 1.5 }, 400, 'limit'],
      [{ query: 'x', colour: 'red' }, 400, 'colour'],
      [{ query: 'x', tags: 'a' }, 400, 'tags'],
    ];
    for (const [body, status, path] of cases) {
      const rejected = await owner.api.post('/search', body);
      expect(rejected.status, JSON.stringify(body).slice(0, 80)).toBe(status);
      expect(rejected.body.errors[0].path).toBe(path);
    }
  });
});

describe('search filters', () => {
  it('apply before ranking, so that they never cost results', async () => {
    const owner = await node.newUser();
    const memories = Array.from({ length: 250 }, (_, i) => ({ title: 'Heron heron', content: `heron heron ${i}` }));
    for (let at = 0; at < 250; at += 100) {
      await owner.api.post('/memories/batch', { memories: memories.slice(at, at + 100) });
    }
    await owner.api.post('/memories', {
      title: 'Aside',
      content: `one heron ${'in a long text '.repeat(200)}`,
      tags: ['My Rare'],
    });
    const found = await search(owner, { query: 'heron', tags: ['my rare'], limit: 1 });
    expect(found).toMatchObject({ total: 1, next_cursor: null });
    expect(titles(found)).toEqual(['Aside']);
    expect((await search(owner, { query: 'heron', limit: 1 })).total).toBe(251);
  });

  it('are the same as those of lists', async () => {
    const { owner } = await userWith([
      { title: 'short', content: 'crane' },
      { title: 'long', content: 'crane', type: 'long_term', tags: ['a', 'b'] },
      { title: 'p', content: 'crane', project: 'p', session_id: 's', tags: ['a'] },
      { title: 'dated', content: 'crane', occurred_at: '2020-05-05' },
    ]);
    const by = async (filter: object) => titles(await search(owner, { query: 'crane', ...filter })).toSorted();
    expect(await by({ type: 'long_term' })).toEqual(['long']);
    expect(await by({ status: 'archived' })).toEqual([]);
    expect(await by({ tags: ['a', 'B'] })).toEqual(['long']);
    expect(await by({ tags: ['a', 'b'], tags_match: 'any' })).toEqual(['long', 'p']);
    expect(await by({ tags: ['a'], tags_match: 'exact' })).toEqual(['p']);
    expect(await by({ tags_match: 'exact' })).toEqual(['dated', 'short']);
    expect(await by({ project: 'p', session_id: 's' })).toEqual(['p']);
    expect(await by({ project: null })).toEqual(['dated', 'long', 'short']);
    expect(await by({ occurred_after: '2020-05-05', occurred_before: '2020-05-05' })).toEqual(['dated']);
    expect(await by({ occurred_before: '2020-05-04' })).toEqual([]);
    expect(await by({ created_before: '2020-01-01' })).toEqual([]);
  });
});

describe('superseded memory', () => {
  it('ranks after its successor when included, however much better it matches, and names it', async () => {
    const old = { title: 'Deploy day: deploy', content: 'We deploy on Fridays. Deploy, deploy.' };
    const { owner, ids } = await userWith([old, { title: 'Another', content: 'deploy, once' }]);
    const next = {
      title: 'Change',
      content: `${'It was decided otherwise. '.repeat(20)} Mondays: deploy`,
      supersedes: ids[0],
    };
    const { body } = await owner.api.post('/memories', next);
    const found = await search(owner, { query: 'when do we deploy', include_superseded: true });
    expect(titles(found).indexOf('Change')).toBeLessThan(titles(found).indexOf('Deploy day: deploy'));
    expect(found.results.find(({ id }: Json) => id === ids[0]).superseded_by).toBe(body.id);
    expect(found.total).toBe(3);
  });

  it('ranks after its successor along a chain when included', async () => {
    const { owner, ids } = await userWith([{ title: 'Port port port', content: 'port 1' }]);
    const second = await owner.api.post('/memories', { title: 'Port port', content: 'port 2', supersedes: ids[0] });
    const third = { title: 'Newest', content: `the port is 3 ${'and so on '.repeat(50)}`, supersedes: second.body.id };
    await owner.api.post('/memories', third);
    const included = await search(owner, { query: 'port', include_superseded: true });
    expect(titles(included)).toEqual(['Newest', 'Port port', 'Port port port']);
    const found = await search(owner, { query: 'port' });
    expect(titles(found)).toEqual(['Newest']);
    expect([found.total, found.total_relation]).toEqual([1, 'eq']);
  });

  it('are replaced by their successor, also where it holds no word of the query', async () => {
    const { owner, ids } = await userWith([
      { title: 'Database', content: 'The database listens on port 5432.' },
      { title: 'Other', content: 'A database needs a backup.' },
      { title: 'Elsewhere', content: 'The cache listens on port 6379.', project: 'p' },
    ]);
    const { body } = await owner.api.post('/memories', {
      title: 'Moved',
      content: 'Since May it is 6000 on the new host.',
      supersedes: ids[0],
    });
    const found = await search(owner, { query: 'on which port does the database listen' });
    expect(found.results[0].id).toBe(body.id);
    expect(found.results.map(({ id }: Json) => id)).not.toContain(ids[0]);
    // A successor that the filter leaves out does not appear, and neither does the outdated memory.
    await owner.api.patch(`/memories/${body.id}`, { project: 'q' });
    expect(titles(await search(owner, { query: 'port', project: 'p' }))).toEqual(['Elsewhere']);
    expect(titles(await search(owner, { query: 'database', project: null }))).toEqual(['Other']);
  });
});

describe('pinned results', () => {
  it('are delivered when they were superseded after the first page', async () => {
    const { owner, ids } = await userWith([1, 2, 3].map((n) => ({ title: `T${n}`, content: `newt ${n}` })));
    const first = await search(owner, { query: 'newt', limit: 1 });
    const shown = first.results[0].id;
    const [superseded] = ids.filter((id) => id !== shown);
    await owner.api.post('/memories', { title: 'T4', content: 'newt 4', supersedes: superseded });
    const second = await search(owner, { query: 'newt', limit: 2, cursor: first.next_cursor });
    expect([shown, ...second.results.map(({ id }: Json) => id)].toSorted()).toEqual(ids.toSorted());
  });
});

describe('expired memories', () => {
  it('are left out unless included, and results carry expires_at', async () => {
    const { owner } = await userWith([
      { title: 'Gone', content: 'The lift is out of order. lift lift', expires_at: '2020-01-01' },
      { title: 'Later', content: 'The lift is inspected.', expires_at: '2099-01-01' },
      { title: 'Always', content: 'The lift is behind the stairs.' },
    ]);
    const found = await search(owner, { query: 'lift' });
    expect(titles(found).toSorted()).toEqual(['Always', 'Later']);
    expect(found.total).toBe(2);
    const all = await search(owner, { query: 'lift', include_expired: true });
    const expiries = Object.fromEntries(all.results.map((hit: Json) => [hit.title, hit.expires_at]));
    expect(expiries).toEqual({
      Gone: '2020-01-01T00:00:00.000Z',
      Later: '2099-01-01T00:00:00.000Z',
      Always: null,
    });
    // An expired memory ranks behind current ones.
    expect(titles(all).at(-1)).toBe('Gone');
  });
});

describe('search cursor', () => {
  it('returns every result once, in ranking order, while memories are added', async () => {
    const owner = await node.newUser();
    const memories = Array.from({ length: 60 }, (_, i) => ({
      title: `T${i}`,
      content: `newt ${'newt '.repeat(i % 7)} ${i}`,
    }));
    await owner.api.post('/memories/batch', { memories });
    const whole = (await search(owner, { query: 'newt', limit: 200 })).results.map(({ id }: Json) => id);
    const seen: string[] = [];
    let cursor: string | null = null;
    do {
      const page: Json = await search(owner, { query: 'newt', limit: 9, ...(cursor && { cursor }) });
      seen.push(...page.results.map(({ id }: Json) => id));
      cursor = page.next_cursor;
      await owner.api.post('/memories', { title: 'Newt', content: `newt newt newt ${seen.length}` });
    } while (cursor);
    expect(seen).toEqual(whole);
  });

  it('reaches the 200th result in pages of ten', async () => {
    const owner = await node.newUser();
    for (let at = 0; at < 2; at++) {
      const memories = Array.from({ length: 100 }, (_, i) => ({ title: `T${at}-${i}`, content: 'axolotl' }));
      await owner.api.post('/memories/batch', { memories });
    }
    const seen = new Set<string>();
    let cursor: string | null = null;
    let pages = 0;
    do {
      const page: Json = await search(owner, { query: 'axolotl', ...(cursor && { cursor }) });
      for (const { id } of page.results) seen.add(id);
      cursor = page.next_cursor;
      pages++;
    } while (cursor);
    expect({ seen: seen.size, pages }).toEqual({ seen: 200, pages: 20 });
  });

  it('is rejected with another query', async () => {
    const { owner } = await userWith([
      { title: '1', content: 'toad' },
      { title: '2', content: 'toad' },
    ]);
    const { next_cursor: cursor } = await search(owner, { query: 'toad', limit: 1 });
    for (const body of [{ query: 'frog' }, { query: 'toad', type: 'short_term' }, { query: 'toad', tags: ['a'] }]) {
      const rejected = await owner.api.post('/search', { ...body, cursor });
      expect(rejected.status).toBe(400);
      expect(rejected.body.errors[0].path).toBe('cursor');
    }
    expect((await owner.api.post('/search', { query: 'toad', cursor: 'junk' })).status).toBe(400);
    expect(titles(await search(owner, { query: 'toad', limit: 5, cursor }))).toEqual(['1']);
  });
});
