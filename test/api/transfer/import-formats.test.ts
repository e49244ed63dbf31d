import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { importFile, memoriesOf } from '../../support/imports.ts';
import { startTestService, type TestService } from '../../support/service.ts';

let node: TestService;
beforeAll(async () => {
  node = await startTestService();
});
afterAll(() => node.stop());

const lines = (...records: unknown[]) => records.map((record) => `${JSON.stringify(record)}\n`).join('');

describe('import of server-memory', () => {
  const entity = {
    type: 'entity',
    name: 'Ada',
    entityType: 'person',
    observations: ['Writes Lisp.', 'Lives in Bonn.'],
  };
  const relation = { type: 'relation', from: 'Ada', to: 'Compiler team', relationType: 'leads_since_2021' };

  it('stores a memory of each entity and each relation', async () => {
    const user = await node.newUser();
    const state = await importFile(user, lines(entity, relation), { project: 'team' });
    expect(state).toMatchObject({ status: 'completed', format: 'server_memory', counts: { imported_memories: 2 } });
    const memories = await memoriesOf(user);
    expect(memories.get('Ada')).toMatchObject({
      content: '- Writes Lisp.\n- Lives in Bonn.',
      tags: ['person'],
      project: 'team',
      type: 'long_term',
      metadata: { source: 'server-memory', entity: 'Ada', entity_type: 'person' },
    });
    expect(memories.get('Ada leads since 2021 Compiler team')).toMatchObject({
      content: 'Ada leads since 2021 Compiler team.',
      metadata: { from: 'Ada', relation: 'leads_since_2021', to: 'Compiler team' },
    });
  });

  it('reads the graph as one JSON document, and reports what does not fit by its line', async () => {
    const user = await node.newUser();
    const { type: _type, ...rest } = entity;
    const graph = JSON.stringify({ entities: [rest, { entityType: 'nobody' }], relations: [relation] }, null, 1);
    const state = await importFile(user, graph);
    expect(state).toMatchObject({ format: 'server_memory', counts: { imported_memories: 2, rejected: 1 } });
    expect(state.findings).toEqual([{ line: 11, what: 'line 11', code: 'rejected', why: 'name: required' }]);
  });
});

describe('import of mem0', () => {
  const ID = '0b8a8c0e-52f1-4b0e-9d3c-5f1c0a9b7d11';

  it('keeps ids, dates, categories and metadata', async () => {
    const user = await node.newUser();
    const results = [
      {
        id: ID,
        memory: 'Prefers window seats',
        hash: 'abc',
        categories: ['travel'],
        metadata: { trip: 'Oslo' },
        user_id: 'ada',
        created_at: '2025-03-04T05:06:07.123456-08:00',
        updated_at: '2025-03-05T05:06:07',
      },
      { id: 'plain-id', memory: 'Allergic to nuts', user_id: 'ada', created_at: '2025-01-01 10:00:00+00' },
      { id: 'x', memory: ' ', user_id: 'ada' },
    ];
    const state = await importFile(user, JSON.stringify({ results }));
    expect(state).toMatchObject({ format: 'mem0', counts: { records: 3, imported_memories: 2, rejected: 1 } });
    const memory = (await user.api.get(`/memories/${ID}`)).body;
    expect(memory).toMatchObject({
      content: 'Prefers window seats',
      tags: ['travel'],
      metadata: { source: 'mem0', trip: 'Oslo', user_id: 'ada' },
      created_at: '2025-03-04T13:06:07.123Z',
      updated_at: '2025-03-05T05:06:07.000Z',
    });
    const again = await importFile(user, JSON.stringify(results.slice(0, 2)));
    expect(again.counts).toMatchObject({ unchanged: 2, imported_memories: 0 });
    expect((await memoriesOf(user)).size).toBe(2);
  });
});

describe('import of supermemory', () => {
  it('reads documents with container tags', async () => {
    const user = await node.newUser();
    const memories = [
      {
        id: 'doc1',
        title: 'Roadmap',
        content: 'Ship the importer in May.',
        containerTags: ['sm_project_launch', 'planning'],
        metadata: { owner: 'Kim' },
        createdAt: '2025-05-01T00:00:00.000Z',
        updatedAt: '2025-05-02T00:00:00.000Z',
      },
    ];
    const state = await importFile(user, JSON.stringify({ memories, pagination: { currentPage: 1 } }));
    expect(state).toMatchObject({ format: 'supermemory', counts: { imported_memories: 1 } });
    expect((await memoriesOf(user)).get('Roadmap')).toMatchObject({
      project: 'launch',
      tags: ['planning'],
      metadata: { source: 'supermemory', owner: 'Kim' },
      created_at: '2025-05-01T00:00:00.000Z',
    });
  });
});

describe('import of Zep', () => {
  it('reads facts, messages and nodes', async () => {
    const user = await node.newUser();
    const edges = [
      {
        uuid: '6f1d6f66-0b9e-4a5e-8f62-4b8f2f0a1c01',
        fact: 'Kim moved to Lisbon',
        name: 'LIVES_IN',
        created_at: '2025-02-01T00:00:00Z',
        valid_at: '2025-01-15T00:00:00Z',
        invalid_at: null,
      },
    ];
    const nodes = [
      { uuid: '6f1d6f66-0b9e-4a5e-8f62-4b8f2f0a1c02', name: 'Kim', summary: 'A designer.', labels: ['Person'] },
    ];
    const state = await importFile(user, JSON.stringify({ edges, nodes }));
    expect(state).toMatchObject({ format: 'zep', counts: { imported_memories: 2 } });
    const memories = await memoriesOf(user);
    expect(memories.get('Kim moved to Lisbon')).toMatchObject({
      id: edges[0]?.uuid,
      tags: ['lives_in'],
      occurred_at: '2025-01-15T00:00:00.000Z',
    });
    expect(memories.get('Kim')).toMatchObject({ content: 'A designer.' });
  });
});

describe('import of Markdown', () => {
  it('reads front matter, basic-memory notes, Cursor rules and memory folders', async () => {
    const user = await node.newUser();
    const files = [
      {
        path: 'notes/deploys.md',
        content:
          '---\nid: 019ad3b2-7c1e-7f60-9a52-3f0c5d8e2b41\ntitle: Deploys\ntags: [ops, Release Train]\ntype: short_term\ncreated_at: 2025-06-01\nowner: Kim\n---\n\nWe deploy on Fridays.\n',
      },
      {
        path: 'coffee.md',
        content:
          '---\ntitle: Coffee\ntype: note\npermalink: coffee\n---\n# Coffee\n\n## Observations\n- [method] Pour over is clearer #brewing #taste (home)\n\n## Relations\n- relates_to [[Tea]]\n',
      },
      {
        path: '.cursor/rules/api.mdc',
        content: '---\ndescription: API style\nglobs: "src/**"\nalwaysApply: false\n---\nUse kebab-case.',
      },
      { path: 'CLAUDE.md', content: '# Build\n\nRun `npm test`.' },
      { path: 'empty.md', content: '---\ntitle: Nothing\n---\n' },
    ];
    const state = await importFile(user, lines(...files));
    expect(state).toMatchObject({ format: 'markdown', counts: { imported_memories: 4, rejected: 1 } });
    expect(state.findings).toEqual([{ line: 5, what: 'empty.md', code: 'rejected', why: 'the file has no text' }]);
    const memories = await memoriesOf(user);
    expect(memories.get('Deploys')).toMatchObject({
      id: '019ad3b2-7c1e-7f60-9a52-3f0c5d8e2b41',
      content: 'We deploy on Fridays.\n',
      tags: ['ops', 'release_train'],
      type: 'short_term',
      metadata: { path: 'notes/deploys.md', owner: 'Kim' },
      created_at: '2025-06-01T00:00:00.000Z',
    });
    expect(memories.get('Coffee')).toMatchObject({
      tags: ['brewing', 'taste'],
      metadata: { kind: 'note', permalink: 'coffee' },
    });
    expect(memories.get('API style')).toMatchObject({ content: 'Use kebab-case.', metadata: { globs: 'src/**' } });
    expect(memories.get('Build')).toMatchObject({ metadata: { path: 'CLAUDE.md' } });
  });

  it('reads a single file, and front matter that is no YAML as text', async () => {
    const user = await node.newUser();
    await importFile(user, '---\n: [broken\n---\nStill a memory.', { name: 'odd.md' });
    const [memory] = [...(await memoriesOf(user)).values()];
    expect(memory).toMatchObject({ content: '---\n: [broken\n---\nStill a memory.', metadata: { path: 'odd.md' } });
  });
});

describe('import of CSV', () => {
  it('maps columns by their names, and keeps the others as metadata', async () => {
    const user = await node.newUser();
    const csv =
      '\uFEFFTitle;Text;Labels;Created;__proto__;constructor\r\n' +
      'One;"says ""hi"";\r\nand more";a, b;2025-01-02;x;y\r\n' +
      '\r\n' +
      'Two;;c;2025-01-02;;\r\n' +
      'Three;fine;;not a date;;\r\n' +
      'Four;"a ""quote"" inside";;;\r\n';
    const state = await importFile(user, csv);
    expect(state).toMatchObject({ format: 'csv', counts: { records: 4, imported_memories: 2, rejected: 2 } });
    expect(state.findings).toEqual([
      {
        line: 5,
        what: 'line 5',
        code: 'rejected',
        why: 'content: no column or key gives the text; name it in the mapping',
      },
      {
        line: 6,
        what: 'line 6',
        code: 'rejected',
        why: 'created_at: must be a date or a time, such as 2026-11-02T09:45:30Z',
      },
    ]);
    const memories = await memoriesOf(user);
    expect(memories.get('One')).toMatchObject({
      content: 'says "hi";\r\nand more',
      tags: ['a', 'b'],
      metadata: { constructor: 'y' },
      created_at: '2025-01-02T00:00:00.000Z',
    });
    expect(Object.keys(memories.get('One').metadata)).toEqual(['constructor']);
  });

  it('takes a mapping, and imports what comes before a quotation mark that is not closed', async () => {
    const user = await node.newUser();
    const csv = 'wann,was\n2025-01-01,erstens\n2025-01-02,"nie zu\n2025-01-03,x\n';
    const state = await importFile(user, csv, { mapping: { content: 'was', occurred_at: 'wann' } });
    expect(state).toMatchObject({ format: 'csv', counts: { imported_memories: 1, rejected: 1 } });
    expect(state.findings[0]).toMatchObject({
      line: 3,
      why: 'a quotation mark is not closed; the rest of the file was not read',
    });
    expect((await memoriesOf(user)).get('erstens')).toMatchObject({ occurred_at: '2025-01-01T00:00:00.000Z' });
  });

  it('rejects a file that is not UTF-8 with what to do', async () => {
    const user = await node.newUser();
    const state = await importFile(user, Buffer.from('title,text\nfran\xe7ais,caf\xe9\n', 'latin1'));
    expect(state).toMatchObject({
      status: 'failed',
      reason: 'This CSV file is not UTF-8. Export it as "CSV UTF-8".',
    });
  });
});

describe('import of JSON lines', () => {
  it('reports each line that does not fit, and imports the rest', async () => {
    const user = await node.newUser();
    const state = await importFile(
      user,
      [
        '{"text": "good", "kind": "note", "type": "note", "n": 1}',
        '{"text": "NUL \\u0000 inside"}',
        '{"text": 5}',
        'not JSON',
        '[1]',
        '{"text": "x", "__proto__": {"polluted": true}}',
        '{"text": "deep", "extra": {"__proto__": 1}}',
        '{"text": "big", "count": 12345678901234567890}',
        `{"text": "long", "title": "${'t'.repeat(501)}"}`,
        '{"text": "future", "created_at": "2999-01-01"}',
        '{"text": "last"}',
      ].join('\n'),
    );
    expect(state).toMatchObject({
      status: 'completed',
      format: 'jsonl',
      counts: { records: 11, imported_memories: 3 },
    });
    expect(state.findings.map(({ line, why }: { line: number; why: string }) => [line, why])).toEqual([
      [2, 'content: must not contain NUL'],
      [3, 'content: must be a string'],
      [4, 'is not valid JSON'],
      [5, 'must be a JSON object'],
      [7, 'metadata.extra.(key): must not be a key'],
      [8, 'metadata.count: must be an integer from -(2^53 - 1) to 2^53 - 1; send larger ones as a string'],
      [9, 'title: must be at most 500 characters'],
      [10, 'created_at: must not be in the future'],
    ]);
    const memories = await memoriesOf(user);
    expect([...memories.keys()].sort()).toEqual(['good', 'last', 'x']);
    expect(memories.get('good').metadata).toEqual({ kind: 'note', type: 'note', n: 1 });
    expect(memories.get('x').metadata).toEqual({});
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  });

  it('reads gzip, nested keys of a mapping, and times in seconds', async () => {
    const user = await node.newUser();
    const file = gzipSync(lines({ data: { text: 'nested' }, at: 1_700_000_000, who: 'Kim' }));
    const state = await importFile(user, file, { mapping: { content: 'data.text', created_at: 'at' } });
    expect(state).toMatchObject({ status: 'completed', format: 'jsonl' });
    expect((await memoriesOf(user)).get('nested')).toMatchObject({
      metadata: { who: 'Kim' },
      created_at: '2023-11-14T22:13:20.000Z',
    });
  });
});
