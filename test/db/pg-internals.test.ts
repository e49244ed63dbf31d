import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { Writable } from 'node:stream';
import pg from 'pg';
import { prepareValue } from 'pg/lib/utils.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dropDatabase, freshDatabase } from '../support/database.ts';

const read = (path: string) => JSON.parse(readFileSync(path, 'utf8'));

let url: string;
let client: pg.Client;

beforeAll(async () => {
  url = await freshDatabase();
  client = new pg.Client({ connectionString: url, pipeline: true });
  await client.connect();
});
afterAll(async () => {
  await client.end();
  await dropDatabase(url);
});

/** Returns the types of members of an object, own or inherited, that the driver's types do not publish. */
const typesOf = (object: object, names: readonly string[]) =>
  Object.fromEntries(names.map((name) => [name, typeof (object as Record<string, unknown>)[name]]));
const all = (names: readonly string[], type: string) => Object.fromEntries(names.map((name) => [name, type]));

describe('private members of pg', () => {
  it('belong to the exact version that package.json pins', () => {
    const pinned = read(new URL('../../package.json', import.meta.url).pathname).dependencies.pg;
    expect(pinned).toMatch(/^\d+\.\d+\.\d+$/);
    expect(read(createRequire(import.meta.url).resolve('pg/package.json')).version).toBe(pinned);
  });

  it('of a connection: the socket, the names of prepared statements and the messages of the extended protocol', () => {
    const { connection } = client as unknown as { connection: object & { stream: unknown } };
    const messages = ['parse', 'bind', 'describe', 'execute', 'sync', 'close'];
    expect(typesOf(connection, messages)).toEqual(all(messages, 'function'));
    const names = ['parsedStatements', 'submittedNamedStatements'];
    expect(typesOf(connection, names)).toEqual(all(names, 'object'));
    expect(connection.stream).toBeInstanceOf(Writable);
  });

  it('of a query: the methods that send it and that handle its response', () => {
    const query = new pg.Query('select 1', [], () => undefined) as unknown as { _result: object };
    const handlers = [
      'prepare',
      'handleRowDescription',
      'handleDataRow',
      'handleCommandComplete',
      'handleReadyForQuery',
      'handleError',
    ];
    expect(typesOf(query, handlers)).toEqual(all(handlers, 'function'));
    expect(typesOf(query._result, ['addRow'])).toEqual({ addRow: 'function' });
    expect(Object.keys(query)).toEqual(expect.arrayContaining(['_result', '_canceledDueToError', 'queryMode']));
  });

  it('of the parameter encoder: dates, arrays, JSON and bytes', () => {
    const bytes = Buffer.from([0, 255]);
    expect([prepareValue(null), prepareValue([1, null]), prepareValue({ a: [1] }), prepareValue(bytes)]).toEqual([
      null,
      '{"1",NULL}',
      '{"a":[1]}',
      bytes,
    ]);
    expect(new Date(prepareValue(new Date(0)) as string)).toEqual(new Date(0));
  });
});
