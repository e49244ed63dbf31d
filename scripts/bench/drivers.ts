import { connect } from '../../db/client/database.ts';
import type { Result, Sql, Statement } from '../../db/client/sql.ts';
import { APP_ROLE, setTenantStatement } from '../../db/client/tenant.ts';
import { lockTenantStatement } from '../../db/queries/usage/quotas.ts';

const POOL_SIZE = 12;

/** The access patterns of the service, as a driver implements them. */
export interface Driver {
  get<T>(userId: string, work: (sql: Sql) => Promise<T>): Promise<T>;
  search<T>(userId: string, work: (sql: Sql) => Promise<T>): Promise<T>;
  create<T>(userId: string, work: (sql: Sql) => Promise<T>, after: () => Statement): Promise<T>;
  close(): Promise<void>;
}

/** The part of porsager's `postgres` that is used here. The package is not a dependency. */
interface PostgresJs {
  unsafe(text: string, values: readonly unknown[], options: { prepare: boolean }): Promise<unknown[]>;
  begin<T>(work: (sql: PostgresJs) => Promise<T>): Promise<T>;
  end(): Promise<void>;
}

/** `pg` as the service uses it. */
export function pgDriver(url: string): Driver {
  const database = connect({ url, poolSize: POOL_SIZE, onError: (error) => console.error(error.message) });
  return {
    get: (userId, work) => work(database.shared(userId)),
    search: (userId, work) => work(database.read(userId)),
    create: (userId, work, after) =>
      database.write(userId, work, { before: [lockTenantStatement(userId)], after: () => [after()] }),
    close: () => database.close(),
  };
}

/** porsager's `postgres`. @throws Error when it is not installed */
export async function postgresDriver(url: string): Promise<Driver> {
  const name = 'postgres';
  const { default: postgres } = await import(name).catch(() => {
    throw new Error('The package postgres is missing. Run: npm install --no-save postgres@3.4.9');
  });
  const text = (value: unknown) => (typeof value === 'string' ? value : JSON.stringify(value));
  const client = postgres(url, {
    max: POOL_SIZE,
    connection: { role: APP_ROLE, timezone: 'UTC', statement_timeout: 15_000 },
    // The statements pass JSON as text.
    types: { json: { to: 114, from: [114, 3802], serialize: text, parse: JSON.parse } },
    onnotice: () => undefined,
  }) as PostgresJs;
  const execute = async <Row>(on: PostgresJs, { text, values = [] }: Statement): Promise<Result<Row>> => {
    const rows = (await on.unsafe(text, values.map(plain), { prepare: true })) as Row[];
    return { rows: [...rows], rowCount: rows.length };
  };
  const sqlOn = (on: PostgresJs, before: readonly Statement[]): Sql => {
    const opening = [...before];
    return {
      // Pipelined: the preceding statements are not awaited first.
      query: async <Row>(statement: Statement) => {
        const opened = opening.splice(0).map((each) => execute(on, each));
        const [result] = await Promise.all([execute<Row>(on, statement), ...opened]);
        return result;
      },
    };
  };
  /** Executes each statement in a transaction of its own, with the tenant set for it. */
  const tenantSql = (userId: string): Sql => ({
    query: (statement) => client.begin((on) => sqlOn(on, [setTenantStatement(userId)]).query(statement)) as never,
  });
  return {
    get: (userId, work) => work(tenantSql(userId)),
    search: (userId, work) => work(tenantSql(userId)),
    create: (userId, work, after) =>
      client.begin(async (on) => {
        const result = await work(sqlOn(on, [setTenantStatement(userId), lockTenantStatement(userId)]));
        await execute(on, after());
        return result;
      }),
    close: () => client.end(),
  };
}

/** Converts dates and booleans in arrays to text: otherwise `postgres` takes the array for a single value. */
function plain(value: unknown): unknown {
  if (!Array.isArray(value)) return value;
  return value.map((each) =>
    each instanceof Date ? each.toISOString() : typeof each === 'boolean' ? `${each}` : each,
  );
}
