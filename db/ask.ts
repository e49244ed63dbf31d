import pg from 'pg';
import type { Result, Statement } from './sql.ts';

/** The part of `pg`'s connection that sends messages of the extended protocol. */
interface Wire {
  bind(message: { statement: string; values: readonly string[] }): void;
  execute(message: { portal: '' }): void;
}

type Answered = (error: Error | null, result: Result<never>) => void;

/** What `pg`'s query has beyond its published types: its name, and what its client calls while the answer comes in. */
interface Query {
  name: string | undefined;
  queryMode: 'extended' | undefined;
  prepare(wire: Wire): void;
  handleDataRow(message: unknown): void;
  handleCommandComplete(message: unknown, wire: Wire): void;
}

const Query = pg.Query as unknown as new (
  text: string,
  values: readonly unknown[] | undefined,
  done: Answered,
) => Query;

const SET_TENANT = { name: 'set_tenant', text: "select set_config('app.user_id', $1, true)" };
/** Connections that have `SET_TENANT` prepared, or are about to. */
const tenantReady = new WeakSet<pg.ClientBase>();

/**
 * A statement with the tenant set in front of it, both before one Sync: PostgreSQL takes them as one transaction, at whose end
 * the tenant is forgotten, and sends one answer.
 */
class TenantQuery extends Query {
  #tenant: string;
  #isTenantSet = false;

  constructor(tenant: string, { text, values }: Statement, done: Answered) {
    super(text, values, done);
    this.#tenant = tenant;
    this.queryMode = 'extended';
  }

  override prepare(wire: Wire): void {
    wire.bind({ statement: SET_TENANT.name, values: [this.#tenant] });
    wire.execute({ portal: '' });
    super.prepare(wire);
  }

  override handleDataRow(message: unknown): void {
    if (this.#isTenantSet) super.handleDataRow(message);
  }

  override handleCommandComplete(message: unknown, wire: Wire): void {
    if (this.#isTenantSet) super.handleCommandComplete(message, wire);
    this.#isTenantSet = true;
  }
}

/**
 * Runs a statement on a connection, for a tenant if one is given. `client.query` does the same at more cost: it copies the
 * statement property by property, which a point read feels.
 */
export async function ask<Row>(client: pg.ClientBase, statement: Statement, tenant?: string): Promise<Result<Row>> {
  try {
    return await new Promise<Result<Row>>((resolve, reject) => {
      const done: Answered = (error, result) => (error ? reject(error) : resolve(result));
      const { text, values, name } = statement;
      if (tenant !== undefined) prepareTenant(client, tenant);
      const query = tenant === undefined ? new Query(text, values, done) : new TenantQuery(tenant, statement, done);
      query.name = name;
      client.query(query as unknown as pg.Query);
    });
  } catch (error) {
    // Its stack is that of the socket; whoever reads it wants to know who asked.
    if (error instanceof Error) Error.captureStackTrace(error);
    throw error;
  }
}

function prepareTenant(client: pg.ClientBase, tenant: string): void {
  if (tenantReady.has(client)) return;
  tenantReady.add(client);
  client.query({ ...SET_TENANT, values: [tenant] }).catch(() => tenantReady.delete(client));
}
