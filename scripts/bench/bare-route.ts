import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { v7 as uuidv7 } from 'uuid';
import type { Database } from '../../db/connect.ts';
import { findMemory } from '../../db/memories.ts';

/**
 * The ceiling: an HTTP server that does one query through `pg` and nothing else. What the service is measured against in the
 * same run. `GET` reads a memory, `POST` inserts one row of the size of a small memory.
 */
export async function startBareRoute(database: Database, userId: string, memoryId: string) {
  await database.owner.query('create table if not exists bench_rows (id uuid primary key, body jsonb not null)');
  const server = createServer(async (request, response) => {
    if (request.method === 'GET') {
      const row = await findMemory(database.owner, userId, memoryId);
      response.setHeader('Content-Type', 'application/json').end(JSON.stringify(row));
      return;
    }
    let body = '';
    for await (const part of request) body += part;
    await database.owner.query({
      name: 'bench_insert',
      text: 'insert into bench_rows (id, body) values ($1, $2)',
      values: [uuidv7(), JSON.stringify(JSON.parse(body))],
    });
    response.writeHead(201, { 'Content-Type': 'application/json' }).end(body);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    stop: async () => {
      server.close();
      server.closeAllConnections();
      await database.owner.query('drop table bench_rows');
    },
  };
}
