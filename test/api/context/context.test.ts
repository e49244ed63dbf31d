import { countTokens } from 'gpt-tokenizer/encoding/o200k_base';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { hybridSearch } from '../../../api/search/hybrid-search.ts';
import type { Json } from '../../support/client.ts';
import { startTestService, type TestService, type TestUser } from '../../support/service.ts';

// The searches that a package runs are counted; they run as they are.
vi.mock('../../../api/search/hybrid-search.ts', { spy: true });

let node: TestService;

beforeAll(async () => {
  node = await startTestService();
});
afterAll(() => node.stop());

async function userWith(memories: object[]): Promise<{ owner: TestUser; ids: string[] }> {
  const owner = await node.newUser();
  const ids: string[] = [];
  for (let at = 0; at < memories.length; at += 100) {
    const { body } = await owner.api.post('/memories/batch', { memories: memories.slice(at, at + 100) });
    for (const { status, id } of body.results) {
      expect(status).toBe('created');
      ids.push(id);
    }
  }
  // A batch is stored within milliseconds: spaced a second apart, the order of creation is defined.
  await node.service.database.owner.query(
    `update memories m set created_at = timestamptz '2026-01-01T00:00:00Z' + n * interval '1 second'
     from unnest($2::uuid[]) with ordinality as given (id, n) where m.user_id = $1 and m.id = given.id`,
    [owner.userId, ids],
  );
  return { owner, ids };
}

async function context(owner: TestUser, body: object = {}): Promise<Json> {
  const answer = await owner.api.post('/context', body);
  expect(answer.status, answer.text).toBe(200);
  expect(answer.body.tokenizer).toBe('o200k_base');
  expect(answer.body.tokens).toBe(countTokens(answer.body.context, { disallowedSpecial: new Set() }));
  return answer.body;
}

const short = (i: number, content = `Short text ${i}`) => ({ title: `S${i}`, content });
const long = (i: number, content = `Long text ${i}`) => ({ title: `L${i}`, content, type: 'long_term' });
const words = (count: number) => Array.from({ length: count }, (_, i) => `w${i}`).join(' ');
const range = (count: number) => Array.from({ length: count }, (_, i) => i);
/** Returns the titles of the items of a package, in order. */
const items = (text: string) => [...text.matchAll(/^- \*\*(.*?)\*\*/gm)].map((match) => match[1]);

describe('context package', () => {
  it('has headings, dates, tags, and the text indented below', async () => {
    const { owner, ids } = await userWith([
      {
        title: 'Rule',
        content: 'Use `snake_case` and **never** camelCase.\n\n```js\nfor (;;) {}\n```',
        tags: ['b', 'a'],
      },
      { title: 'Fact', content: 'Water is wet.', type: 'long_term' },
    ]);
    const answer = await context(owner);
    expect(answer.context).toBe(
      `## Context Package (Tier 1)

### Short-Term Memories

- **Rule** (created: 2026-01-01T00:00:01Z, tags: b, a)
  Use \`snake_case\` and **never** camelCase.

  \`\`\`js
  for (;;) {}
  \`\`\`

### Long-Term Knowledge

- **Fact** (created: 2026-01-01T00:00:02Z, tags: none)
  Water is wet.`,
    );
    expect(answer.memory_ids).toEqual(ids);
    expect(answer.truncated).toBe(false);
  });

  it('omits empty sections, and gives a reason when it is empty', async () => {
    const empty = await node.newUser();
    expect(await context(empty)).toMatchObject({
      context: '## Context Package (Tier 1)',
      memory_ids: [],
      truncated: false,
      reason: 'nothing_stored',
    });
    const { owner } = await userWith([long(1)]);
    const answer = await context(owner, { tier: 2 });
    expect(answer.context).not.toContain('Short-Term');
    expect(answer.context).toContain('### Long-Term Knowledge');
    expect((await context(owner, { tags: ['none'] })).reason).toBe('nothing_matched');
    expect((await context(owner, { query: 'unheard of' })).reason).toBe('nothing_matched');
  });

  it('includes neither archived nor expired memories', async () => {
    const { owner, ids } = await userWith([short(0), short(1), { ...short(2), expires_at: '2020-01-01' }]);
    await owner.api.delete(`/memories/${ids[1]}`);
    for (const body of [{}, { query: 'short text' }, { max_tokens: 500 }]) {
      const answer = await context(owner, body);
      expect(answer.memory_ids, JSON.stringify(body)).toEqual([ids[0]]);
      expect(answer.truncated).toBe(false);
    }
  });

  it('is filtered by project, session and tags', async () => {
    const { owner } = await userWith([
      { ...short(0), project: 'p' },
      { ...short(1), session_id: 's' },
      { ...short(2), tags: ['t', 'u'] },
    ]);
    const titles = async (body: object, headers = {}) =>
      items((await owner.api.post('/context', body, headers)).body.context);
    expect(await titles({ project: 'p' })).toEqual(['S0']);
    expect(await titles({}, { 'X-WhiteMagic-Project': 'q' })).toEqual(['S2', 'S1']);
    expect(await titles({ project: '*' }, { 'X-WhiteMagic-Project': 'p' })).toEqual(['S2', 'S1', 'S0']);
    expect(await titles({ session_id: 's' })).toEqual(['S1']);
    expect(await titles({ tags: ['T'] })).toEqual(['S2']);
    expect(await titles({ tags: ['x', 'u'], tags_match: 'any' })).toEqual(['S2']);
  });
});

describe('context tiers', () => {
  const texts = { words: words(100), characters: 'ä'.repeat(3_000) };
  const many = [...range(12).map((i) => long(i, texts.words + i)), ...range(12).map((i) => short(i, texts.words + i))];

  it.each([
    { tier: 0, shortTerm: 2, longTerm: 0 },
    { tier: 1, shortTerm: 5, longTerm: 2 },
    { tier: 2, shortTerm: 10, longTerm: 5 },
  ])('$tier includes the newest $shortTerm short-term and $longTerm long-term memories', async (expected) => {
    const { owner, ids } = await userWith(many);
    const answer = await context(owner, { tier: expected.tier });
    expect(answer.context.split('\n')[0]).toBe(`## Context Package (Tier ${expected.tier})`);
    expect(items(answer.context)).toEqual([
      ...range(expected.shortTerm).map((i) => `S${11 - i}`),
      ...range(expected.longTerm).map((i) => `L${11 - i}`),
    ]);
    expect(answer.memory_ids).toEqual([
      ...range(expected.shortTerm).map((i) => ids[23 - i]),
      ...range(expected.longTerm).map((i) => ids[11 - i]),
    ]);
    expect(answer.truncated).toBe(true);
  });

  it('1 is the default without tier and max_tokens', async () => {
    const { owner } = await userWith(many);
    expect(await context(owner)).toEqual(await context(owner, { tier: 1 }));
  });

  it('cap the text of a memory: 80 words, 1,200 characters, 2,000 characters', async () => {
    const { owner } = await userWith([
      long(1, texts.words),
      short(1, texts.words),
      long(2, texts.characters),
      short(2, texts.characters),
    ]);
    const part = async (tier: number, title: string) => {
      const lines = (await context(owner, { tier })).context.split('\n');
      return lines[lines.findIndex((line: string) => line.startsWith(`- **${title}**`)) + 1].trim();
    };
    expect(await part(0, 'S1')).toBe(words(80));
    expect(await part(1, 'S1')).toBe(texts.words);
    expect(await part(1, 'S2')).toBe('ä'.repeat(1_200));
    expect(await part(1, 'L1')).toBe(words(80));
    expect(await part(2, 'S2')).toBe('ä'.repeat(2_000));
    expect(await part(2, 'L2')).toBe('ä'.repeat(2_000));
    expect(await part(2, 'L1')).toBe(texts.words);
  });

  it('include long-term memories behind many newer short-term ones, and vice versa', async () => {
    const { owner } = await userWith([long(1), long(2), ...range(150).map((i) => short(i))]);
    const titles = ['S149', 'S148', 'S147', 'S146', 'S145', 'L2', 'L1'];
    expect(items((await context(owner, { tier: 1 })).context)).toEqual(titles);
    const byQuery = await context(owner, { tier: 1, query: 'text' });
    expect(items(byQuery.context).filter((title) => title?.startsWith('L'))).toHaveLength(2);
    const { owner: other } = await userWith([short(1), ...range(150).map((i) => long(i))]);
    expect(items((await context(other, { tier: 0 })).context)).toEqual(['S1']);
  });

  it('do not count expired memories', async () => {
    const expired = range(120).map((i) => ({ ...short(i), expires_at: '2021-01-01' }));
    const { owner } = await userWith([short(1000), ...expired]);
    expect(items((await context(owner)).context)).toEqual(['S1000']);
    expect(items((await context(owner, { query: 'short' })).context)).toEqual(['S1000']);
  });
});

describe('context query', () => {
  it('selects the most relevant memories, not the newest', async () => {
    const { owner } = await userWith([short(1, 'the heron eats fish'), ...range(9).map((i) => short(10 + i))]);
    const answer = await context(owner, { query: 'what does the heron eat?', tier: 0 });
    expect(items(answer.context)).toEqual(['S1']);
  });
});

describe('searches of a context package', () => {
  it('are one for a tier, over the types that it includes, and none without a query', async () => {
    const { owner } = await userWith([...range(8).map((i) => short(i, `heron ${i}`)), long(1, 'heron'), long(2)]);
    const filtersOf = async (body: object) => {
      vi.mocked(hybridSearch).mockClear();
      await context(owner, body);
      return vi.mocked(hybridSearch).mock.calls.map(([, , , filter]) => filter.type);
    };
    expect(await filtersOf({ query: 'heron', tier: 0 })).toEqual(['short_term']);
    expect(await filtersOf({ query: 'heron', tier: 1 })).toEqual([undefined]);
    expect(await filtersOf({ query: 'heron', tier: 2, max_tokens: 300 })).toEqual([undefined]);
    expect(await filtersOf({ query: 'heron', max_tokens: 300 })).toEqual([undefined]);
    expect(await filtersOf({ tier: 1 })).toEqual([]);
  });
});

describe('outdated memories in a context package', () => {
  const old = { title: 'Deploys', content: 'We deploy on Fridays at noon, after the tests are green.' };
  const successor = {
    title: 'Deploys since May',
    content: `We deploy on Mondays. ${range(50)
      .map((i) => `reason${i}`)
      .join(' ')}`,
  };

  async function withSuccessor(): Promise<{ owner: TestUser; oldId: string; newId: string }> {
    const owner = await node.newUser();
    const oldId = (await owner.api.post('/memories', old)).body.id;
    const newId = (await owner.api.post('/memories', { ...successor, supersedes: oldId })).body.id;
    return { owner, oldId, newId };
  }

  it('are left out, and the successor is cut where it does not fit', async () => {
    const { owner, newId } = await withSuccessor();
    for (const more of [{}, { query: 'when do we deploy' }, { query: 'Fridays at noon' }]) {
      for (const max_tokens of [60, 80, 2_000]) {
        const answer = await context(owner, { max_tokens, ...more });
        expect(answer.memory_ids, JSON.stringify({ max_tokens, ...more })).toEqual([newId]);
        expect(answer.context).toContain('Mondays');
        expect(answer.truncated).toBe(max_tokens < 2_000);
      }
      expect((await context(owner, { ...more, tier: 1 })).memory_ids).toEqual([newId]);
    }
  });

  it('are marked when included, and the successor comes first in a small budget', async () => {
    const { owner, oldId, newId } = await withSuccessor();
    await owner.api.post('/memories', { title: 'Freeze', content: 'No deploys.', expires_at: '2020-01-01' });
    const included = { include_superseded: true, include_expired: true };
    const all = await context(owner, { max_tokens: 2_000, ...included });
    expect(all.context).toMatch(new RegExp(`\\*\\*Deploys\\*\\* \\(.*superseded by ${newId}\\)`));
    expect(all.context).toContain('expired: 2020-01-01T00:00:00Z)');
    expect(all.memory_ids).toHaveLength(3);
    for (const query of [undefined, 'deploy Fridays noon tests green']) {
      const small = await context(owner, { max_tokens: 80, ...(query && { query }), include_superseded: true });
      expect(small.memory_ids[0]).toBe(newId);
      expect(small.memory_ids).not.toContain(oldId);
      expect(small.truncated).toBe(true);
    }
  });
});

describe('max_tokens of a context package', () => {
  const budgets = [50, 60, 80, 100, 150, 233, 400, 1_000, 3_000, 20_000];
  const memories = [
    short(1, words(500)),
    long(2, '日本語のテキスト。'.repeat(200)),
    short(3, '🦭'.repeat(500)),
    long(4, `${'x'.repeat(3_000)}\n${'\n'.repeat(100)}${' '.repeat(500)}end`),
    short(5, Array.from({ length: 200 }, (_, i) => `- line ${i}`).join('\n')),
    { title: 'T'.repeat(500), content: '<|endoftext|> is text', tags: range(50).map((i) => `tag_number_${i}`) },
  ];

  it('is never exceeded, with and without tier and query', async () => {
    const { owner } = await userWith(memories);
    let cut = 0;
    for (const max_tokens of budgets) {
      for (const more of [{}, { tier: 0 }, { tier: 2 }, { query: 'text line w1 日本語' }]) {
        const answer = await context(owner, { max_tokens, ...more });
        expect(answer.tokens, JSON.stringify({ max_tokens, ...more })).toBeLessThanOrEqual(max_tokens);
        expect(answer.context).not.toContain('\uFFFD');
        expect(items(answer.context)).toHaveLength(answer.memory_ids.length);
        cut += answer.truncated ? 1 : 0;
      }
    }
    expect(cut).toBeGreaterThan(20);
  });

  it('without a tier is filled with whole memories, and the last one cut', async () => {
    const { owner, ids } = await userWith(range(40).map((i) => short(i, words(60))));
    for (const max_tokens of [400, 1_000, 2_000]) {
      const answer = await context(owner, { max_tokens });
      expect(answer.context.split('\n')[0]).toBe('## Context Package');
      expect(answer.tokens).toBeGreaterThan(max_tokens * 0.9);
      expect(answer.memory_ids).toEqual(ids.toReversed().slice(0, answer.memory_ids.length));
      expect(answer.truncated).toBe(true);
    }
  });

  it('that holds everything leaves nothing out and truncated is false', async () => {
    const { owner, ids } = await userWith(range(10).map((i) => short(i)));
    const answer = await context(owner, { max_tokens: 5_000 });
    expect(answer).toMatchObject({ memory_ids: ids.toReversed(), truncated: false });
  });

  it('of any size is filled with up to 1,000 memories, and truncated says when there are more', async () => {
    const { owner, ids } = await userWith(range(1_010).map((i) => short(i, `tiny ${i}`)));
    const all = await context(owner, { max_tokens: 100_000 });
    expect(all.memory_ids).toEqual(ids.toReversed().slice(0, 1_000));
    expect(all.truncated).toBe(true);
    const byQuery = await context(owner, { max_tokens: 50_000, query: 'tiny' });
    expect(byQuery.memory_ids.length).toBeGreaterThan(900);
    expect(byQuery.truncated).toBe(true);
    const bulk = { filter: { ids: ids.slice(0, 10) }, action: 'archive', dry_run: false };
    expect((await owner.api.post('/memories/bulk', bulk)).status).toBe(200);
    expect(await context(owner, { max_tokens: 100_000 })).toMatchObject({ truncated: false });
  }, 60_000);

  it('of 4,000 is filled from more than 100 memories', async () => {
    const { owner } = await userWith(range(300).map((i) => short(i, `tiny ${i}`)));
    const answer = await context(owner, { max_tokens: 4_000 });
    expect(answer.tokens).toBeGreaterThan(3_600);
    expect(answer.memory_ids.length).toBeGreaterThan(100);
    expect(answer.truncated).toBe(true);
    expect(await context(owner, { max_tokens: 20_000, query: 'tiny' })).toMatchObject({ truncated: false });
  });

  it('marks a package as truncated when a relevant memory is left out, whether by budget, tier or cut', async () => {
    const { owner } = await userWith([short(1, `heron ${words(300)}`), short(2, 'heron two'), long(3, 'heron three')]);
    expect((await context(owner, { max_tokens: 20_000, query: 'heron' })).truncated).toBe(false);
    expect((await context(owner, { max_tokens: 100, query: 'heron' })).truncated).toBe(true);
    expect((await context(owner, { tier: 0, query: 'heron' })).truncated).toBe(true);
  });

  it('with a tier keeps the caps of the tier', async () => {
    const { owner } = await userWith(range(20).map((i) => short(i)));
    expect((await context(owner, { max_tokens: 100_000, tier: 0 })).memory_ids).toHaveLength(2);
  });

  it('is clamped to 50 and 100,000, and a tier is 0, 1 or 2', async () => {
    const owner = await node.newUser();
    for (const max_tokens of [-1, 0, 49, 100_001])
      expect((await owner.api.post('/context', { max_tokens })).status, `${max_tokens}`).toBe(200);
    const cases: [body: object, path: string][] = [
      [{ max_tokens: 60.5 }, 'max_tokens'],
      [{ tier: 3 }, 'tier'],
      [{ tier: '1' }, 'tier'],
      [{ query: '' }, 'query'],
      [{ status: 'archived' }, 'status'],
    ];
    for (const [body, path] of cases) {
      const rejected = await owner.api.post('/context', body);
      expect([400, 422], JSON.stringify(body)).toContain(rejected.status);
      expect(rejected.body.errors[0].path).toBe(path);
    }
  });
});
