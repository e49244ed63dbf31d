import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { NIL } from 'uuid';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LOCAL_MODEL } from '../../../api/embeddings/local/model-name.ts';
import { startEmbedded } from '../../../db/embedded/start.ts';
import { enqueueMissing } from '../../../db/queries/search/embedding-enqueue.ts';
import { decodeVector } from '../../../db/queries/search/vector-encoding.ts';
import { ask, tenantOf } from '../../../scripts/eval/ask.ts';
import { byCategory } from '../../../scripts/eval/evaluate-results.ts';
import { findBelowFloors } from '../../../scripts/eval/floors.ts';
import { readSets, store } from '../../../scripts/eval/load.ts';
import { scoreAll } from '../../../scripts/eval/score.ts';
import { callerOf } from '../../../scripts/eval/service.ts';
import { Client, type Json } from '../../support/client.ts';
import { type MainProcess, processesOf, startMain } from '../../support/main-process.ts';
import {
  encoderOf,
  idsOf,
  search,
  storeAll,
  storeMany,
  titlesOf,
  until,
  untilEmbedded,
} from '../../support/retrieval.ts';
import { startTestService, type TestService } from '../../support/service.ts';

let node: TestService;

beforeAll(async () => {
  node = await startTestService({ embedder: 'local' });
});
afterAll(() => node.stop());

const clientWith = async (memories: readonly object[]) => {
  const { api } = await node.newUser();
  const ids = await storeAll(api, memories);
  await untilEmbedded(api);
  return { api, ids };
};

describe('semantic retriever', () => {
  it('reports `loading` until the model is loaded, while searches are lexical', async () => {
    const fresh = await startTestService({ embedder: 'local' });
    try {
      const { api } = await fresh.newUser();
      await storeAll(api, [{ title: 'Walrus', content: 'a walrus' }]);
      const seen = new Set<string>();
      await until(async () => {
        const found = await search(api, 'walrus');
        expect(titlesOf(found)).toEqual(['Walrus']);
        seen.add(found.retrievers.semantic);
        return found.retrievers.semantic === 'ok';
      }, 'meaning');
      expect([...seen]).toEqual(['loading', 'ok']);
    } finally {
      await fresh.stop();
    }
  });

  it('reports `disabled` when it is switched off', async () => {
    const without = await startTestService();
    try {
      const { api } = await without.newUser();
      expect((await search(api, 'walrus')).retrievers.semantic).toBe('disabled');
      expect((await api.get('/stats')).body.embedding).toMatchObject({ state: 'disabled', pending: 0 });
    } finally {
      await without.stop();
    }
  });

  it('finds a paraphrase without common words, and explains it', async () => {
    const { api } = await clientWith([
      { title: 'Pets', content: 'My dog likes to chase squirrels in the park.' },
      { title: 'Food', content: 'We ate pasta with tomato sauce.' },
      { title: 'Money', content: 'The invoice must be paid by Friday.' },
    ]);
    const found = await search(api, { query: 'which canine hunts rodents outdoors', explain: true });
    expect(titlesOf(found)[0]).toBe('Pets');
    expect(found.results[0].matched).toEqual([]);
    expect(found.results[0].explanation).toMatchObject({ lexical: 0, session_context: 0 });
    expect(found.results[0].explanation.semantic).toBeGreaterThan(0.2);
    expect(found.results[0].reasons[0]).toMatch(/in meaning \(\d+ %\)$/);
    expect(titlesOf(await search(api, 'when do I have to settle the bill'))[0]).toBe('Money');
  });

  it('finds a new memory by its words at once, and by its meaning soon after', async () => {
    const { api } = await clientWith([{ title: 'Aside', content: 'The printer is on the second floor.' }]);
    const [id] = await storeAll(api, [{ title: 'Car', content: 'The automobile is parked behind the building.' }]);
    expect(idsOf(await search(api, 'automobile'))[0]).toBe(id);
    const found = await until(async () => {
      const now = await search(api, { query: 'where did I leave my vehicle', explain: true });
      return now.results[0]?.id === id && now;
    }, 'found by meaning');
    expect(found.results[0].explanation.semantic).toBeGreaterThan(0);
    expect((await api.get('/stats')).body.embedding).toMatchObject({ state: 'ready', pending: 0 });
  });

  it('returns the most similar passage when no word matches', async () => {
    const filler = Array.from({ length: 120 }, (_, n) => `Paragraph ${n} lists the prices of several office chairs.`);
    const wanted = Array.from({ length: 40 }, () => 'A physician examined the injured child and bandaged its arm.');
    filler.splice(90, 0, ...wanted);
    const { api } = await clientWith([{ title: 'Mixed', content: filler.join(' ') }]);
    const [hit] = (await search(api, 'doctor treats kid')).results;
    expect(hit.snippet).toContain('physician examined the injured child');
    expect(hit.snippet.length).toBeLessThan(1_000);
  });

  it('uses the vectors of the new text when a memory changes while it is embedded', async () => {
    const { api } = await node.newUser();
    // Long enough to be in progress when the change arrives.
    const long = (topic: string) => Array.from({ length: 250 }, (_, n) => `${topic}, number ${n}.`).join(' ');
    const ids = await storeAll(
      api,
      Array.from({ length: 4 }, (_, n) => ({ title: 'Untitled', content: long(`Fish swim in the sea ${n}`) })),
    );
    await Promise.all(
      ids.map((id, n) => api.patch(`/memories/${id}`, { content: `The pianist gave a concert, evening ${n}.` })),
    );
    await api.delete(`/memories/${ids[3]}?permanent=true`);
    await untilEmbedded(api);
    const { rows } = await node.service.database.owner.query(
      `select memory_id, count(*)::int as chunks, max(last_character) as last from memory_vectors
        where memory_id = any ($1) group by memory_id order by memory_id`,
      [ids],
    );
    expect(rows.map(({ memory_id }: Json) => memory_id)).toEqual(ids.slice(0, 3).toSorted());
    for (const { chunks, last } of rows) expect([chunks, last < 80]).toEqual([1, true]);
    const codes = await node.service.database.owner.query(
      'select memory_id from memory_codes where memory_id = any ($1) order by memory_id',
      [ids],
    );
    expect(codes.rows.map(({ memory_id }: Json) => memory_id)).toEqual(ids.slice(0, 3).toSorted());
    expect(
      idsOf(await search(api, 'musician performs on stage'))
        .slice(0, 3)
        .toSorted(),
    ).toEqual(ids.slice(0, 3).toSorted());
  });

  it('leaves no vectors of deleted memories, including queued ones', async () => {
    const { api } = await node.newUser();
    const ids = await storeMany(
      api,
      Array.from({ length: 40 }, (_, n) => ({ title: `Gone ${n}`, content: `Soon forgotten ${n}` })),
    );
    await Promise.all(ids.map((id) => api.delete(`/memories/${id}?permanent=true`)));
    await untilEmbedded(api);
    for (const table of ['memory_vectors', 'memory_codes', 'embedding_queue']) {
      const { rows } = await node.service.database.owner.query(
        `select count(*)::int as n from ${table} where memory_id = any ($1)`,
        [ids],
      );
      expect([table, rows[0].n]).toEqual([table, 0]);
    }
    expect((await search(api, 'not remembered any more')).results).toEqual([]);
  });
});

describe('hybrid search', () => {
  it('applies filters before the cut, however many nearer memories they exclude', async () => {
    const { api, userId } = await node.newUser();
    const [id] = await storeAll(api, [
      { title: 'Only', content: 'Invoices are sent by the accountant.', project: 'mine', tags: ['kept'] },
    ]);
    await untilEmbedded(api);
    const [near] = await storeAll(api, [
      { title: 'Near', content: 'A cat sleeps on the warm sofa.', project: 'other' },
    ]);
    await untilEmbedded(api);
    // 1,500 that are nearer than the one that matches: copied in SQL, since the encoder would take a minute.
    await node.service.database.owner.query(
      `with made as (
          insert into memories select (jsonb_populate_record(m, jsonb_build_object('id', uuidv7(), 'content_hash', '\\x' || encode(sha256(n::text::bytea), 'hex')))).*
          from memories m, generate_series(1, 1500) n where user_id = $1 and id = $2 returning id
        ), vectors as (
          insert into memory_vectors (user_id, memory_id, model, chunk, first_character, last_character, vector_int8)
          select v.user_id, made.id, model, chunk, first_character, last_character, vector_int8
          from memory_vectors v, made where v.user_id = $1 and v.memory_id = $2
        )
        insert into memory_codes select c.user_id, model, made.id, chunk, code
        from memory_codes c, made where c.user_id = $1 and c.memory_id = $2`,
      [userId, near],
    );
    const query = 'a feline naps on furniture';
    expect(titlesOf(await search(api, { query, limit: 100 }))).toEqual(Array.from({ length: 100 }, () => 'Near'));
    for (const filter of [{ project: 'mine' }, { tags: ['kept'] }, { project: 'mine', created_after: '2020-01-01' }]) {
      expect(idsOf(await search(api, { query, ...filter }))).toEqual([id]);
    }
    for (const filter of [{ project: 'none' }, { status: 'archived' }, { type: 'long_term' }, { session_id: 's' }]) {
      expect(idsOf(await search(api, { query, ...filter }))).toEqual([]);
    }
  });

  it('applies `exclude` to memories that only meaning finds, before the cut', async () => {
    const { api } = await clientWith([
      { title: 'Bike', content: 'She repairs her bicycle, the red one.' },
      { title: 'Cycle', content: 'He rides a bicycle, the green one.' },
    ]);
    expect(titlesOf(await search(api, { query: 'cycling on two wheels', exclude: ['red'] }))).toEqual(['Cycle']);
    expect(titlesOf(await search(api, { query: 'cycling on two wheels', exclude: ['the green one'] }))).toEqual([
      'Bike',
    ]);
    expect(titlesOf(await search(api, 'two wheels "the green one"'))[0]).toBe('Cycle');
    expect((await search(api, 'two wheels "the green one"')).results).toHaveLength(2);
  });

  it('compares vectors that a version before stored as floats', async () => {
    const { api, ids } = await clientWith([
      { title: 'Bike', content: 'She repairs her bicycle.' },
      { title: 'Tea', content: 'He drinks tea.' },
    ]);
    const query = { query: 'cycling on two wheels', explain: true };
    const [bike] = (await search(api, query)).results;
    const { owner } = node.service.database;
    const stored = await owner.query('select vector_int8 from memory_vectors where memory_id = $1', [ids[0]]);
    await owner.query('update memory_vectors set vector = $2, vector_int8 = null where memory_id = $1', [
      ids[0],
      Buffer.from(decodeVector(stored.rows[0].vector_int8).buffer),
    ]);
    const [again] = (await search(api, query)).results;
    expect(again.id).toBe(ids[0]);
    expect(again.explanation.semantic).toBe(bike.explanation.semantic);
  });

  it('adds session context within a session only', async () => {
    const at = (minute: number) => `2025-01-01T10:${String(minute).padStart(2, '0')}:00Z`;
    const { api, ids } = await clientWith([
      { title: 'Asked', content: 'What about the marmoset?', session_id: 's1', occurred_at: at(1) },
      { title: 'Answered', content: 'It is fine.', session_id: 's1', occurred_at: at(2) },
      { title: 'Elsewhere', content: 'It is fine.', session_id: 's2', occurred_at: at(2) },
      { title: 'Alone', content: 'It is fine.', occurred_at: at(2) },
    ]);
    const found = await search(api, { query: 'marmoset', explain: true });
    const contexts = Object.fromEntries(found.results.map((one: Json) => [one.title, one.explanation.session_context]));
    expect(contexts.Answered).toBeGreaterThan(0);
    expect([contexts.Elsewhere, contexts.Alone, contexts.Asked]).toEqual([0, 0, 0]);
    expect(idsOf(found).slice(0, 2)).toEqual([ids[0], ids[1]]);
  });

  it('ranks a superseded memory after its successor, even when both match by meaning only', async () => {
    const { api, ids } = await clientWith([
      { title: 'Home', content: 'Nadia lives in an apartment in Berlin, Germany.' },
      { title: 'Hobby', content: 'Nadia paints.' },
    ]);
    const [next] = await storeAll(api, [
      {
        title: 'Home',
        content: 'Nadia moved into a cottage; that was some time ago, and she likes it.',
        supersedes: ids[0],
      },
    ]);
    await untilEmbedded(api);
    const found = await search(api, { query: 'flat, residence, German city', explain: true, include_superseded: true });
    const order = idsOf(found);
    expect(order.indexOf(next as string)).toBeGreaterThanOrEqual(0);
    expect(order.indexOf(next as string)).toBe(order.indexOf(ids[0] as string) - 1);
    const current = idsOf(await search(api, { query: 'flat, residence, German city' }));
    expect(current[0]).toBe(next);
    expect(current).not.toContain(ids[0]);
  });
});

describe('late interaction', () => {
  const notes = [
    { title: 'Harbor', content: 'The ferry to the islands leaves the harbor at nine.' },
    { title: 'Bakery', content: 'The bakery sells rye bread on weekdays.' },
    { title: 'Ticket', content: 'A ticket for the boat costs forty crowns, bread included.' },
  ];
  const query = { query: 'what does a boat trip cost', explain: true };

  it('is explained, and left out where no memory has codes of tokens', async () => {
    const { api, ids } = await clientWith(notes);
    const [first, ...others] = (await search(api, query)).results;
    expect(first.id).toBe(ids[2]);
    for (const { explanation } of others) {
      expect(explanation.late_interaction).toBeLessThan(first.explanation.late_interaction);
    }
    await node.service.database.owner.query('update memory_vectors set token_codes = null where memory_id = any ($1)', [
      ids,
    ]);
    const without = (await search(api, query)).results;
    expect(without[0].id).toBe(ids[2]);
    for (const { explanation } of without) expect(explanation).not.toHaveProperty('late_interaction');
  });

  it('ranks memories without codes of tokens among those with codes, and the queue adds them', async () => {
    const { api, ids } = await clientWith(notes);
    const { owner } = node.service.database;
    for (const missing of ids) {
      await owner.query('update memory_vectors set token_codes = null where memory_id = $1', [missing]);
      const { results } = await search(api, query);
      expect(results[0].id).toBe(ids[2]);
      expect(results.find(({ id }: Json) => id === missing).explanation).not.toHaveProperty('late_interaction');
    }
    const model = { model: LOCAL_MODEL, hasTokenVectors: true };
    const user = await owner.query('select user_id from memories where id = $1', [ids[0]]);
    await enqueueMissing(owner, model, { user_id: user.rows[0].user_id, id: NIL }, 3);
    expect((await api.get('/stats')).body.embedding.pending).toBeGreaterThan(0);
    await untilEmbedded(api);
    for (const { explanation } of (await search(api, query)).results) {
      expect(explanation).toHaveProperty('late_interaction');
    }
  });
});

describe('query in a script that the encoder does not know', () => {
  it('is ranked by its words, and compares only its words that the encoder knows', async () => {
    const { api, ids } = await clientWith([
      { title: 'Сборка', content: 'Релиз собирают командой make release.' },
      { title: 'Отпуск', content: 'Марина в отпуске до конца августа.' },
      { title: 'Доступ', content: 'Олег выдаёт ключи от сервера.' },
    ]);
    const found = await search(api, { query: 'какой командой собирают релиз', explain: true });
    expect(found.results[0].id).toBe(ids[0]);
    expect(found).not.toHaveProperty('low_confidence');
    for (const { explanation } of found.results) {
      expect(explanation).not.toHaveProperty('late_interaction');
      // A third of the similarity, and the rest by words: of texts without a common word, at most a third.
      if (explanation.lexical === 0) expect(explanation.semantic).toBeLessThanOrEqual(0.3);
    }
    const mixed = await search(api, { query: 'команда make release', explain: true });
    expect(mixed.results[0].explanation).toHaveProperty('late_interaction');
    expect((await api.get('/stats')).body.embedding.languages).toEqual(['en']);
  });
});

describe('killed encoder', () => {
  it('leaves searches lexical, which report it, and restarts', async () => {
    const { api, ids } = await clientWith([
      { title: 'Pets', content: 'My dog likes to chase squirrels in the park.' },
      { title: 'Money', content: 'The invoice must be paid by Friday.' },
    ]);
    const queued = storeMany(
      api,
      Array.from({ length: 30 }, (_, n) => ({ title: `More ${n}`, content: `${`Waiting line ${n}. `.repeat(40)}` })),
    );
    const pid = (await encoderOf(process.pid)) as number;
    await queued;
    process.kill(pid, 'SIGKILL');
    const states: string[] = [];
    await until(async () => {
      const found = await search(api, 'dog squirrels');
      expect(idsOf(found)[0]).toBe(ids[0]);
      if (states.at(-1) !== found.retrievers.semantic) states.push(found.retrievers.semantic);
      return states.includes('unavailable') && found.retrievers.semantic === 'ok';
    }, 'the encoder back');
    await untilEmbedded(api);
    expect(await encoderOf(process.pid)).not.toBe(pid);
    expect(idsOf(await search(api, 'which canine hunts rodents outdoors'))[0]).toBe(ids[0]);
  });
});

describe('service killed with a full embedding queue', () => {
  it('embeds waiting memories after a restart, and leased ones when the lease ends', async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'whitemagic-queue-'));
    await chmod(dataDir, 0o755);
    let main: MainProcess | undefined;
    try {
      main = await startMain(dataDir, { LOG_LEVEL: 'error' });
      const animals = ['dog', 'horse', 'parrot', 'shark', 'bee', 'frog'];
      const memories = Array.from({ length: 60 }, (_, n) => ({
        title: `Note ${n}`,
        content: `A ${animals[n % 6]} was seen near building number ${n}. ${'Nothing else happened on that day. '.repeat(20)}`,
      }));
      const ids = await storeMany(main.api, memories);
      expect(await pendingOf(main.api)).toBeGreaterThan(0);
      await main.kill();
      main = await startMain(dataDir, { LOG_LEVEL: 'error' });
      const { api } = main;
      expect(await pendingOf(api)).toBeGreaterThan(0);
      await untilEmbedded(api, 60);
      const found = await search(api, { query: 'winged insect that makes honey', limit: 200, explain: true });
      expect(new Set(idsOf(found))).toEqual(new Set(ids));
      for (const { explanation } of found.results) expect(explanation).toHaveProperty('semantic');
      const bees = ids.filter((_, n) => animals[n % 6] === 'bee');
      expect(bees).toContain(idsOf(found)[0]);
    } finally {
      await main?.stop();
      if ((await processesOf(dataDir)).length > 0) {
        await (await startEmbedded({ dataDir, log: () => undefined })).stop();
      }
      await rm(dataDir, { recursive: true, force: true });
    }
  }, 90_000);
});

async function pendingOf(api: Client): Promise<number> {
  return (await api.get('/stats')).body.embedding.pending;
}

describe('questions about the notes of coding agents (test/eval/agents)', () => {
  it('are answered no worse than the floors of their kind, by notes of their own tenant', {
    timeout: 240_000,
  }, async () => {
    const [set] = await readSets([join(import.meta.dirname, '../../eval/agents')]);
    if (!set?.floors) throw new Error('the set has no floors');
    const addUser = async () => (await node.newUser()).apiKey;
    const service = { addUser, call: callerOf(node.url), progress: () => undefined };
    const tenants = await store(service, set, false);
    for (const { apiKey } of Object.values(tenants)) await untilEmbedded(new Client(node.url, apiKey));
    const answers = [];
    for (const question of set.questions) answers.push(await ask(service, tenantOf(tenants, question), question));
    expect(answers.filter(({ foreign }) => foreign > 0)).toEqual([]);
    const kinds = byCategory(answers, scoreAll(answers, set.gold));
    expect(Object.keys(kinds).sort()).toEqual(Object.keys(set.floors).sort());
    expect(findBelowFloors(kinds, set.floors)).toEqual([]);
  });
});
