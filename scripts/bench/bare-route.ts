import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import Koa from 'koa';
import getRawBody from 'raw-body';
import { v7 as uuidv7 } from 'uuid';
import type { NewMemory } from '../../api/contracts/memories.ts';
import type { Caller, Deps } from '../../api/domain.ts';
import { present } from '../../api/memory/present.ts';
import { newRow } from '../../api/memory/remember.ts';
import { countWords } from '../../api/retrieval/word-counts.ts';
import type { Database } from '../../db/connect.ts';
import { findMemory, insertMemory } from '../../db/memories.ts';

/**
 * The ceiling, at `/{user id}` and `/{user id}/{memory id}`: a Koa app that does one query through `pg` and nothing else. What the service is measured against in the same run.
 * `GET` reads a memory, `POST` inserts one by the statement that the service inserts it by: no key, no limit, no metering, no
 * row-level security, no look at what is alike.
 */
export async function startBareRoute({ owner }: Database) {
  const deps: Deps = { sql: owner as never, now: () => new Date(), newId: () => uuidv7(), keyEnvironment: '' };
  const app = new Koa();
  app.use(async (ctx) => {
    const [, userId = '', memoryId = ''] = ctx.path.split('/');
    if (ctx.method === 'GET') {
      const row = await findMemory(deps.sql, userId, memoryId);
      ctx.body = row && present(row);
      return;
    }
    const input = { tags: [], metadata: {}, type: 'long_term', ...JSON.parse((await getRawBody(ctx.req)).toString()) };
    const row = newRow(deps, { userId } as Caller, input as NewMemory);
    await insertMemory(deps.sql, userId, row, countWords(row), { queue: false });
    ctx.status = 201;
    ctx.body = present({ ...row, superseded_by: null });
  });
  const server = createServer(app.callback());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}
