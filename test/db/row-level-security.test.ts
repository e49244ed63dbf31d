import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connect } from '../../db/client/database.ts';
import { APP_ROLE, BOUND_ROLE } from '../../db/client/tenant.ts';
import { TENANTLESS_TABLES } from '../../db/schema/introspect.ts';
import { assertRowLevelSecurity } from '../../db/schema/row-level-security.ts';
import { addBackgroundRows } from '../support/background-rows.ts';
import { dropDatabase, emptyDatabase, freshDatabase } from '../support/database.ts';
import { startTestService, type TestService, type TestUser } from '../support/service.ts';
import { fillIndex } from '../support/vectors.ts';

const DENIED = { code: '42501' };

let node: TestService;
let ann: TestUser;
let bob: TestUser;
let owner: pg.Client;
/** A connection like those of the API, for statements without their tenant condition. */
let app: pg.Client;
/** Tenant tables and partitions with rows of both users. */
let tables: string[];

beforeAll(async () => {
  node = await startTestService();
  [ann, bob] = await Promise.all([fill('ann@example.com'), fill('bob@example.com')]);
  owner = await open(node.databaseUrl);
  await addBackgroundRows(owner);
  app = await open(node.databaseUrl, `-c role=${APP_ROLE}`);
  tables = await tablesWithRowsOf(ann, bob);
});
afterAll(async () => {
  await Promise.all([app.end(), owner.end()]);
  await node.stop();
});

describe('application role, in statements without a tenant condition', () => {
  it('is tested on rows of two tenants in every tenant table and a partition', async () => {
    const { rows } = await owner.query<{ name: string }>(
      `select relname as name
        from pg_class
        where relnamespace = 'public'::regnamespace
          and relkind in ('r', 'p')
          and not relispartition`,
    );
    const all = rows.map((row) => row.name).filter((name) => !(name in TENANTLESS_TABLES));
    expect(tables).toEqual(expect.arrayContaining(all));
    expect(tables.some((name) => /^usage_events_\d{8}$/.test(name))).toBe(true);
  });

  it('sees only memories of the current tenant through the view for ranking, and none without a tenant', async () => {
    expect(await count('ranked_memories')).toBe(0);
    for (const { userId } of [ann, bob]) {
      await asTenant(userId, async () => {
        const { rows } = await app.query('select distinct user_id from ranked_memories');
        expect(rows).toEqual([{ user_id: userId }]);
        await expect(app.query(`update ranked_memories set title = ''`)).rejects.toThrow('permission denied');
      });
    }
  });

  it('uses the GIN index of terms through that view, which row-level security prevents on the table', async () => {
    await asTenant(ann.userId, async () => {
      await app.query('set enable_seqscan = off');
      const plan = async (relation: string) => {
        const { rows } = await app.query(
          `explain
            select id
            from ${relation}
            where (user_id = $1) is true
              and terms && array[1]::bigint[]`,
          [ann.userId],
        );
        return JSON.stringify(rows);
      };
      expect(await plan('ranked_memories')).toContain('memories_terms');
      expect(await plan('memories')).not.toContain('memories_terms');
      await app.query('reset enable_seqscan');
    });
  });

  it('sees no row without a tenant, or with an empty one', async () => {
    for (const table of tables) expect([table, await count(table)]).toEqual([table, 0]);
    await asTenant('', async () => {
      for (const table of tables) expect([table, await count(table)]).toEqual([table, 0]);
    });
  });

  it('sees all rows of the current tenant and none of another', async () => {
    for (const { userId } of [ann, bob]) {
      await asTenant(userId, async () => {
        for (const table of tables) {
          const { rows } = await app.query(`select distinct user_id from ${table}`);
          expect([table, rows]).toEqual([table, [{ user_id: userId }]]);
        }
      });
    }
  });

  it('updates and deletes rows of the current tenant only', async () => {
    for (const table of tables) {
      const own = await owner.query(`select from ${table} where user_id = $1`, [ann.userId]);
      await asTenant(ann.userId, async () => {
        expect([table, (await app.query(`update ${table} set user_id = user_id`)).rowCount]).toEqual([
          table,
          own.rowCount,
        ]);
        expect([table, (await app.query(`delete from ${table}`)).rowCount]).toEqual([table, own.rowCount]);
      });
    }
  });

  it("cannot write another tenant's id", async () => {
    for (const table of tables) {
      await asTenant(ann.userId, () =>
        expect(app.query(`update ${table} set user_id = $1`, [bob.userId]), table).rejects.toMatchObject(DENIED),
      );
      await asTenant(ann.userId, () => expect(copyRows(table, bob.userId), table).rejects.toMatchObject(DENIED));
    }
  });

  it('cannot write without a tenant', async () => {
    await expect(app.query('insert into quotas (user_id) values ($1)', [bob.userId])).rejects.toMatchObject(DENIED);
    await expect(copyLookup(bob.userId)).rejects.toMatchObject(DENIED);
    await expect(mailTo(bob.userId)).rejects.toThrow('a mail of another tenant');
    await asTenant(ann.userId, () => expect(mailTo(bob.userId)).rejects.toThrow('a mail of another tenant'));
    await asTenant(ann.userId, () => mailTo(ann.userId));
  });

  it("cannot add a key to another tenant, nor read or delete any key's hash", async () => {
    await asTenant(ann.userId, () => expect(copyLookup(bob.userId)).rejects.toMatchObject(DENIED));
    for (const statement of ['select * from key_lookup', 'delete from key_lookup']) {
      await asTenant(ann.userId, () => expect(app.query(statement), statement).rejects.toMatchObject(DENIED));
    }
  });

  it('sees the row of its own user and can change none', async () => {
    await asTenant(ann.userId, async () => {
      expect((await app.query('select id from users')).rows).toEqual([{ id: ann.userId }]);
      await expect(app.query("update users set plan = 'enterprise'")).rejects.toMatchObject(DENIED);
    });
    expect((await app.query('select id from users')).rows).toEqual([]);
  });
});

describe('application connection', () => {
  it('stays in its role after `reset role`, `reset all` and `discard all`', async () => {
    for (const statement of ['reset role', 'reset all', 'discard all']) {
      await app.query(statement);
      expect((await app.query('select current_user as role')).rows).toEqual([{ role: APP_ROLE }]);
      for (const table of tables) expect([statement, table, await count(table)]).toEqual([statement, table, 0]);
    }
  });

  it('with a login of its own cannot become the owner', async () => {
    const login = `login_${Date.now()}`;
    await owner.query(`create role ${login} login password 'secret' in role ${APP_ROLE}, ${BOUND_ROLE}`);
    const url = new URL(node.databaseUrl);
    [url.username, url.password] = [login, 'secret'];
    const database = connect({ url: url.href, ownerUrl: node.databaseUrl, onError: () => undefined });
    try {
      await assertRowLevelSecurity(database);
      const seen = await database.write(ann.userId, async (sql) => {
        await sql.query({ text: 'set local role none' });
        return (await sql.query<{ user_id: string }>({ text: 'select distinct user_id from memories' })).rows;
      });
      expect(seen).toEqual([{ user_id: ann.userId }]);
      await expect(
        database.write(ann.userId, (sql) => sql.query({ text: 'set local role whitemagic' })),
      ).rejects.toMatchObject(DENIED);
    } finally {
      await database.close();
      await owner.query(`drop role ${login}`);
    }
  });
});

describe('service start', () => {
  it('fails when row-level security is disabled', async () => {
    const url = await freshDatabase();
    const client = await open(url);
    await client.query('alter table memories disable row level security');
    await client.end();
    await expect(startTestService({ databaseUrl: url })).rejects.toThrow('Row-level security does not apply');
    await dropDatabase(url);
  });

  it('fails when the application owns its tables without forced row-level security', async () => {
    const url = await emptyDatabase();
    const client = await open(url);
    await client.query('create table memories (user_id uuid)');
    await client.query('alter table memories enable row level security');
    await client.query(`grant create, usage on schema public to ${APP_ROLE}`);
    await client.query(`alter table memories owner to ${APP_ROLE}`);
    await client.end();
    const database = connect({ url, onError: () => undefined });
    await expect(assertRowLevelSecurity(database)).rejects.toThrow(
      'give DATABASE_URL a login that may "set role" to both',
    );
    await database.close();
    await dropDatabase(url);
  });

  it.each([
    'postgres://u:p@ep-cool-1-pooler.eu-central-1.aws.neon.tech/db',
    'postgres://u:p@db.supabase.co:6543/postgres',
    'postgres://u:p@host/db?pgbouncer=true',
  ])('fails on a transaction-mode pooler: %s', (url) => {
    expect(() => connect({ url, onError: () => undefined })).toThrow('transaction-mode pooler');
  });
});

/** Creates a user with rows in tenant tables, through the service. */
async function fill(email: string): Promise<TestUser> {
  const user = await node.newUser({ email });
  const created = await user.api.post('/memories', { title: email, content: 'one' }, { 'Idempotency-Key': 'k1' });
  await user.api.patch(`/memories/${created.body.id}`, { content: 'two' });
  await fillIndex(node.service.database, user.userId, created.body.id);
  // Enqueues an e-mail, which fills the outbox.
  expect((await user.api.post('/user/keys', { name: 'second' })).status).toBe(201);
  return user;
}

async function open(url: string, options?: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url, ...(options && { options }) });
  await client.connect();
  return client;
}

async function tablesWithRowsOf(...users: TestUser[]): Promise<string[]> {
  const { rows } = await owner.query<{ name: string }>(
    `select c.relname as name
      from pg_class c
      join pg_attribute a on a.attrelid = c.oid and a.attname = 'user_id'
      where c.relnamespace = 'public'::regnamespace
        and c.relkind in ('r', 'p')
      order by c.relname`,
  );
  // Rows of the default partition are tested too.
  for (const { userId } of users) {
    await owner.query(
      `insert into usage_events
        select user_id, '1999-01-01', id, at, api_key_id, transport, operation, method, status, billable,
          duration_ms, bytes_in, bytes_out
        from usage_events
        where user_id = $1
        limit 1`,
      [userId],
    );
  }
  const filled: string[] = [];
  for (const { name } of rows) {
    if (name in TENANTLESS_TABLES) continue;
    const tenants = await countByTenant(name);
    if (users.every(({ userId }) => tenants.has(userId))) filled.push(name);
  }
  return filled;
}

async function countByTenant(table: string): Promise<Map<string, number>> {
  const { rows } = await owner.query(`select user_id, count(*)::int as count from ${table} group by user_id`);
  return new Map(rows.map((row) => [row.user_id, row.count]));
}

async function count(table: string): Promise<number> {
  return (await app.query(`select count(*)::int as count from ${table}`)).rows[0].count;
}

/** Runs `work` with a tenant set, in a transaction that is always rolled back. */
async function asTenant(userId: string, work: () => Promise<unknown>): Promise<void> {
  await app.query('begin');
  try {
    await app.query("select set_config('app.user_id', $1, true)", [userId]);
    await work();
  } finally {
    await app.query('rollback');
  }
}

/** Copies a row that the current tenant sees, with the id of another tenant. */
async function copyRows(table: string, userId: string): Promise<unknown> {
  const { rows } = await owner.query(
    `select string_agg(quote_ident(attname), ', ') as rest
      from pg_attribute
      where attname <> 'user_id'
        and attrelid = $1::regclass
        and attnum > 0
        and not attisdropped`,
    [table],
  );
  const { rest } = rows[0];
  return app.query(
    `insert into ${table} (user_id, ${rest}) overriding system value select $1, ${rest} from ${table} limit 1`,
    [userId],
  );
}

async function copyLookup(userId: string): Promise<unknown> {
  const { rows } = await owner.query('select id from api_keys where user_id = $1', [userId]);
  return app.query("insert into key_lookup (key_hash, user_id, key_id) values ('\\x01', $1, $2)", [userId, rows[0].id]);
}

function mailTo(userId: string): Promise<unknown> {
  return app.query("select enqueue_mail($1, gen_random_uuid(), 'a@b.c', 'key_created', '{}', now())", [userId]);
}
