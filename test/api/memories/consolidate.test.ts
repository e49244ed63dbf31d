import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Json } from '../../support/client.ts';
import { startTestService, type TestService, type TestUser } from '../../support/service.ts';

let node: TestService;

beforeAll(async () => {
  node = await startTestService();
});
afterAll(() => node.stop());

const note = (title: string, more: object = {}) => ({ title, content: `About ${title}`, ...more });
const NOW = { min_age_days: 0 };
const today = () => new Date().toISOString().slice(0, 10);

async function userWith(memories: object[]): Promise<{ owner: TestUser; ids: string[] }> {
  const owner = await node.newUser();
  const ids: string[] = [];
  for (const memory of memories) ids.push((await owner.api.post('/memories', memory)).body.id);
  return { owner, ids };
}

/** Moves the times of memories into the past, by days. */
const age = (owner: TestUser, days: number, id?: string) =>
  node.service.database.owner.query(
    `update memories set updated_at = updated_at - $2 * interval '1 day', created_at = created_at - $2 * interval '1 day'
     where user_id = $1 and id = coalesce($3, id)`,
    [owner.userId, days, id],
  );

const consolidate = async (owner: TestUser, body: object): Promise<Json> => {
  const answer = await owner.api.post('/consolidate', body);
  expect(answer.status).toBe(200);
  return answer.body;
};
const ids = (list: Json[]) => list.map(({ id }) => id);
const read = async (owner: TestUser, id: string | undefined): Promise<Json> =>
  (await owner.api.get(`/memories/${id}`)).body;

/** Returns the parts of a response that a dry run and the real run share: without the ids of digests. */
const withoutDigestIds = ({ digests, archived, ...rest }: Json) => ({
  ...rest,
  dry_run: true,
  digests: digests.map(({ title }: Json) => title),
  archived: archived.map(({ id, title }: Json) => ({ id, title })),
});

describe('consolidation', () => {
  it('promotes memories with a promotion tag, puts the other candidates into a digest, and changes nothing else', async () => {
    const { owner, ids: all } = await userWith([
      note('a decision', { tags: ['Decision', 'x'] }),
      note('one', { tags: ['x', 'y'] }),
      note('two', { occurred_at: '2026-01-02' }),
      note('known', { type: 'long_term' }),
      note('gone'),
    ]);
    await owner.api.delete(`/memories/${all[4]}`);
    const dry = await consolidate(owner, NOW);
    expect(dry).toMatchObject({
      dry_run: true,
      promoted: [{ id: all[0], title: 'a decision' }],
      archived: [
        { id: all[1], title: 'one', digest_id: null },
        { id: all[2], title: 'two', digest_id: null },
      ],
      digests: [{ id: null, title: `Consolidated Insights - ${today()}` }],
      remaining: 0,
    });
    expect((await owner.api.get('/stats')).body.memories).toMatchObject({ total: 5, active: 4, long_term: 1 });

    const real = await consolidate(owner, { ...NOW, dry_run: false });
    expect(withoutDigestIds(real)).toEqual(withoutDigestIds(dry));
    const [{ id: digestId }] = real.digests;
    expect(real.archived.map((source: Json) => source.digest_id)).toEqual([digestId, digestId]);

    expect(await read(owner, all[0])).toMatchObject({ type: 'long_term', status: 'active', version: 2 });
    const versions = (await owner.api.get(`/memories/${all[0]}/versions`)).body;
    expect(versions.results).toMatchObject([{ version: 1, type: 'short_term' }]);
    for (const id of all.slice(1, 3)) {
      expect(await read(owner, id)).toMatchObject({
        status: 'archived',
        type: 'short_term',
        consolidated_into: digestId,
      });
    }
    expect(await read(owner, all[3])).toMatchObject({ status: 'active', version: 1 });
    expect(await read(owner, all[4])).toMatchObject({ status: 'archived', consolidated_into: null });

    const digest = await read(owner, digestId);
    expect(digest).toMatchObject({ type: 'long_term', status: 'active', tags: ['consolidated', 'archive', 'x', 'y'] });
    const sources = await Promise.all(all.slice(1, 3).map((id) => read(owner, id)));
    expect(digest.content).toBe(
      [
        `## one\n\nDate: ${sources[0].created_at}\nTags: x, y\nSource: ${all[1]}\n\nAbout one`,
        `## two\n\nDate: 2026-01-02T00:00:00.000Z\nTags: none\nSource: ${all[2]}\n\nAbout two`,
      ].join('\n\n'),
    );
    expect(await consolidate(owner, { ...NOW, dry_run: false })).toMatchObject({
      promoted: [],
      archived: [],
      digests: [],
    });
  });

  it.each(['heuristic', 'pattern', 'proven', 'decision', 'insight'])(
    'promotes memories with the tag %s',
    async (tag) => {
      const { owner, ids: all } = await userWith([note('keeper', { tags: [tag] })]);
      expect(await consolidate(owner, { ...NOW, dry_run: false })).toMatchObject({
        promoted: [{ id: all[0] }],
        digests: [],
      });
    },
  );

  it('leaves its sources restorable as they were, without the link to the digest', async () => {
    const { owner, ids: all } = await userWith([note('one', { tags: ['x'] }), note('two')]);
    await consolidate(owner, { ...NOW, dry_run: false });
    const back = await owner.api.post(`/memories/${all[0]}/restore`);
    expect(back.body).toMatchObject({ status: 'active', type: 'short_term', tags: ['x'], consolidated_into: null });
    expect((await owner.api.post('/search', { query: 'one' })).body.results[0].id).toBe(all[0]);
  });

  it('returns the same digest when its restored sources are consolidated again on the same day', async () => {
    const { owner, ids: all } = await userWith([note('one'), note('two')]);
    const first = await consolidate(owner, { ...NOW, dry_run: false });
    for (const id of all) await owner.api.post(`/memories/${id}/restore`);
    const second = await consolidate(owner, { ...NOW, dry_run: false });
    expect(ids(second.archived)).toEqual(all);
    // The same sources make an exact duplicate of the first digest.
    expect(second.digests).toEqual(first.digests);
    expect((await owner.api.get('/memories')).body.total).toBe(1);
  });

  it('counts the age from the last edit or restore, with a default minimum of seven days', async () => {
    const { owner, ids: all } = await userWith([note('old'), note('young'), note('edited'), note('restored')]);
    await age(owner, 8);
    await age(owner, -2, all[1]);
    await owner.api.patch(`/memories/${all[2]}`, { tags: ['edited'] });
    await owner.api.delete(`/memories/${all[3]}`);
    await owner.api.post(`/memories/${all[3]}/restore`);
    expect(ids((await consolidate(owner, {})).archived)).toEqual([all[0]]);
    expect(ids((await consolidate(owner, { min_age_days: 5.5 })).archived)).toEqual([all[0], all[1]]);
    expect(ids((await consolidate(owner, { min_age_days: 9 })).archived)).toEqual([]);
    expect(ids((await consolidate(owner, NOW)).archived).toSorted()).toEqual(all.toSorted());
    const rejected = await owner.api.post('/consolidate', { min_age_days: -1 });
    expect(rejected.status).toBe(422);
  });

  it('makes digests per project, and stays within a project when one is named', async () => {
    const { owner, ids: all } = await userWith([
      note('p1', { project: 'p' }),
      note('p2', { project: 'p' }),
      note('q', { project: 'q' }),
      note('none'),
    ]);
    const inP = await consolidate(owner, { ...NOW, project: 'p', dry_run: false });
    expect(ids(inP.archived)).toEqual(all.slice(0, 2));
    expect(await read(owner, inP.digests[0].id)).toMatchObject({ project: 'p' });
    const rest = await consolidate(owner, { ...NOW, dry_run: false });
    expect(ids(rest.archived)).toEqual(all.slice(2));
    const digests = await Promise.all(ids(rest.digests).map((id) => read(owner, id)));
    expect(digests.map(({ project }) => project)).toEqual(['q', null]);
    for (const digest of digests) expect(digest.content.match(/^Source: /gm)).toHaveLength(1);
  });

  it('archives exact duplicates of long-term memories with a link to them, and lists them in the dry run', async () => {
    const { owner, ids: all } = await userWith([
      note('rule', { tags: ['proven'] }),
      note('rule', { tags: ['proven'], type: 'long_term' }),
    ]);
    const dry = await consolidate(owner, NOW);
    const real = await consolidate(owner, { ...NOW, dry_run: false });
    expect(await read(owner, all[0])).toMatchObject({ status: 'archived', consolidated_into: all[1] });
    expect(real).toMatchObject({ promoted: [], archived: [{ id: all[0], digest_id: all[1] }], digests: [] });
    expect({ ...dry, dry_run: false }).toEqual(real);
  });

  it('processes the oldest 500 memories per call and returns how many remain', async () => {
    const owner = await node.newUser();
    for (let page = 0; page < 6; page++) {
      const memories = Array.from({ length: page === 5 ? 3 : 100 }, (_, i) => note(`${page}-${i}`));
      await owner.api.post('/memories/batch', { memories });
    }
    expect(await consolidate(owner, NOW)).toMatchObject({ remaining: 3 });
    const first = await consolidate(owner, { ...NOW, dry_run: false });
    expect(first.archived).toHaveLength(500);
    expect(first.archived[0].title).toBe('0-0');
    const left = (await owner.api.get('/memories?type=short_term')).body.results.map((memory: Json) => memory.title);
    expect(left).toEqual(['5-2', '5-1', '5-0']);
  });

  it('makes digests of a few kB that quote long sources in part, and every source is in one of them', async () => {
    const memories = Array.from({ length: 5 }, (_, i) => ({ title: `big ${i}`, content: `${i}`.repeat(90_000) }));
    const { owner, ids: all } = await userWith(memories);
    const dry = await consolidate(owner, NOW);
    const real = await consolidate(owner, { ...NOW, dry_run: false });
    expect(withoutDigestIds(real)).toEqual(withoutDigestIds(dry));
    expect(real.digests.map((digest: Json) => digest.title)).toEqual([
      `Consolidated Insights - ${today()}: big 0`,
      `Consolidated Insights - ${today()}: big 2`,
      `Consolidated Insights - ${today()}: big 4`,
    ]);
    const contents = await Promise.all(real.digests.map(async ({ id }: Json) => (await read(owner, id)).content));
    for (const id of all) expect(contents.join('')).toContain(`Source: ${id}`);
    for (const content of contents) expect(content.length).toBeLessThan(4_100);
  });

  it('groups sources by subject: shared tags, and words that are rare among them', async () => {
    const { owner, ids: all } = await userWith([
      note('Invoices', { tags: ['billing'], content: 'Invoices are sent on the first of the month.' }),
      note('Kafka', { content: 'The Kafka broker listens on port 9092.' }),
      note('Refunds', { tags: ['billing'], content: 'A refund needs a second pair of eyes.' }),
      note('Topics', { content: 'Every Kafka broker topic has three replicas.' }),
    ]);
    const { digests, archived } = await consolidate(owner, { ...NOW, dry_run: false });
    expect(digests.map(({ title }: Json) => title)).toEqual([
      `Consolidated Insights - ${today()}: billing`,
      `Consolidated Insights - ${today()}: Kafka`,
    ]);
    const digestOf = (index: number) => archived.find(({ id }: Json) => id === all[index]).digest_id;
    expect([0, 2, 1, 3].map(digestOf)).toEqual([digests[0].id, digests[0].id, digests[1].id, digests[1].id]);
  });

  it('happens once when two calls run concurrently', async () => {
    const { owner, ids: all } = await userWith([note('one'), note('two'), note('three', { tags: ['proven'] })]);
    const answers = await Promise.all([1, 2].map(() => consolidate(owner, { ...NOW, dry_run: false })));
    expect(answers.flatMap(({ promoted }) => ids(promoted))).toEqual([all[2]]);
    expect(answers.flatMap(({ archived }) => ids(archived)).toSorted()).toEqual(all.slice(0, 2).toSorted());
    expect((await owner.api.get('/stats')).body.memories).toMatchObject({ total: 4, active: 2, archived: 2 });
  });
});

describe('search after a consolidation', () => {
  const facts: [query: string, project: string | null, fact: object][] = [
    [
      'who approves refunds',
      'shop',
      note('Refunds', { tags: ['billing'], content: 'Refunds above 500 are approved by Dana.' }),
    ],
    ['checkout port', 'shop', note('Checkout', { content: 'The checkout service listens on port 8443.' })],
    ['LDG-7741', 'bank', note('Ledger ticket', { tags: ['ledger'], content: 'LDG-7741 moves the ledger to UTC.' })],
    ['when is the bank holiday', 'bank', note('Holiday', { content: 'The bank holiday is on Monday.' })],
    ['ledger holiday', null, note('Team', { content: 'The ledger team is on holiday in August.' })],
  ];

  async function consolidated() {
    const { owner, ids: all } = await userWith(facts.map(([, project, fact]) => ({ ...fact, project })));
    await owner.api.post('/memories', note('Ports', { type: 'long_term', content: 'Ports are listed in the wiki.' }));
    const search = async (body: object) => (await owner.api.post('/search', body)).body.results as Json[];
    const rankings = async (more: (project: string | null) => object = () => ({})) =>
      Promise.all(facts.map(async ([query, project]) => ids(await search({ query, ...more(project) }))));
    const before = await rankings();
    const inProjects = await rankings((project) => ({ project }));
    const { archived } = await consolidate(owner, { ...NOW, dry_run: false });
    const digestOf = (id: string) => archived.find((source: Json) => source.id === id).digest_id;
    return { owner, all, search, rankings, before, inProjects, digestOf };
  }

  it('ranks every fact as before, with and without a project', async () => {
    const { rankings, before, inProjects, all } = await consolidated();
    expect(await rankings()).toEqual(before);
    expect(await rankings((project) => ({ project }))).toEqual(inProjects);
    expect(before.map(([first]) => first)).toEqual(all);
  });

  it('returns passages that name their source and their digest', async () => {
    const { owner, search, all, digestOf } = await consolidated();
    const [hit] = await search({ query: 'LDG-7741', project: 'bank' });
    expect(hit).toMatchObject({ id: all[2], consolidated_into: digestOf(all[2] as string), status: 'archived' });
    expect(hit?.snippet).toContain('ledger to UTC');
    expect(await read(owner, hit?.consolidated_into)).toMatchObject({ project: 'bank', type: 'long_term' });
    for (const type of ['short_term', 'long_term'])
      expect(ids(await search({ query: 'LDG-7741', type }))).toEqual([all[2]]);
    const { body } = await owner.api.post('/context', { query: 'LDG-7741', max_tokens: 500 });
    expect(body.context).toContain('LDG-7741 moves the ledger to UTC.');
  });

  it('finds the sources of active digests only, and an edited digest by its own text', async () => {
    const { owner, search, all, digestOf } = await consolidated();
    const digest = digestOf(all[2] as string);
    await owner.api.delete(`/memories/${digest}`);
    expect(await search({ query: 'LDG-7741' })).toEqual([]);
    await owner.api.post(`/memories/${digest}/restore`);
    expect(ids(await search({ query: 'LDG-7741' }))).toEqual([all[2]]);
    await owner.api.patch(`/memories/${digest}`, { add_tags: ['seen'] });
    expect(ids(await search({ query: 'LDG-7741' }))).toEqual([all[2]]);
    await owner.api.patch(`/memories/${digest}`, { content: 'LDG-7741 is done.' });
    expect(ids(await search({ query: 'LDG-7741' }))).toEqual([digest]);
  });

  it('keeps an outdated memory superseded when its successor is consolidated', async () => {
    const { owner, ids: all } = await userWith([note('old', { type: 'long_term' })]);
    const next = await owner.api.post('/memories', note('new', { supersedes: all[0] }));
    await consolidate(owner, { ...NOW, dry_run: false });
    expect(await read(owner, all[0])).toMatchObject({ superseded_by: next.body.id });
    expect(ids((await owner.api.post('/search', { query: 'about old new' })).body.results)).toEqual([next.body.id]);
    expect(ids((await owner.api.get('/memories?type=long_term')).body.results)).not.toContain(all[0]);
  });
});
