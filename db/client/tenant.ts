import type { Sql, Statement } from './sql.ts';
import type { JoinedStatements } from './transaction.ts';

/**
 * The tenant of a statement: a user, or a user whose key is bound to projects. The statements of the latter run as the role `wm_bound`,
 * to which row-level security shows those projects only; "none" stands for the memories of no project. Null: not bound. The signal
 * cancels its statements.
 */
export type Tenant = string | { userId: string; projects: readonly string[] | null; signal?: AbortSignal | undefined };

/** The role that every statement of a tenant runs as. Migrations create it. */
export const APP_ROLE = 'wm_app';

/** The role for a key that is bound to projects. It is a member of {@link APP_ROLE}, with more policies. */
export const BOUND_ROLE = 'wm_bound';

/** Returns the id of a tenant's user. */
export function userIdOf(tenant: Tenant): string {
  return typeof tenant === 'string' ? tenant : tenant.userId;
}

/** Returns the signal that cancels a tenant's statements. */
export function signalOf(tenant: Tenant): AbortSignal | undefined {
  return typeof tenant === 'string' ? undefined : tenant.signal;
}

/** Returns the projects that a tenant is bound to; null for all. */
function projectsOf(tenant: Tenant): readonly string[] | null {
  return typeof tenant === 'string' ? null : tenant.projects;
}

/** Returns the statement that sets the tenant of the transaction it runs in, and optionally the time limit of what follows. */
export function setTenantStatement(tenant: Tenant, timeoutMs?: number): Statement {
  const settings = ["set_config('app.user_id', $1, true)"];
  const values: unknown[] = [userIdOf(tenant)];
  let name = 'set_tenant';
  if (timeoutMs !== undefined) {
    values.push(String(timeoutMs));
    settings.push("set_config('statement_timeout', $2, true)");
    name += '_and_timeout';
  }
  return bound(tenant, { name, settings, values });
}

/** Returns the statement that sets the tenant of a write. Its statements are planned once a connection, and never with a scan of a whole table. */
function setWritingTenantStatement(tenant: Tenant): Statement {
  const settings = [
    "set_config('app.user_id', $1, true)",
    "set_config('plan_cache_mode', 'force_generic_plan', true)",
    "set_config('enable_seqscan', 'off', true)",
  ];
  return bound(tenant, { name: 'set_writing_tenant', settings, values: [userIdOf(tenant)] });
}

/** Adds the projects and the role of a bound tenant to its settings. */
function bound(tenant: Tenant, { name, settings, values }: { name: string; settings: string[]; values: unknown[] }) {
  const projects = projectsOf(tenant);
  if (projects === null) return { name, text: `select ${settings.join(', ')}`, values };
  const list = `set_config('app.projects', $${values.length + 1}::text[]::text, true)`;
  const text = `select ${[...settings, list, `set_config('role', '${BOUND_ROLE}', true)`].join(', ')}`;
  return { name: boundName(name), text, values: [...values, projects] };
}

/**
 * Returns what executes a tenant's statements. Those of a bound one have prepared statements of their own: a plan holds the policies of
 * one role, and would be made anew at each change of role.
 */
export function withTenantPlans(tenant: Tenant, sql: Sql): Sql {
  if (projectsOf(tenant) === null) return sql;
  const { deferred } = sql;
  return {
    query: (statement) => sql.query(withBoundName(statement)),
    deferred: deferred && {
      ...deferred,
      add: (statement) => deferred.add(withBoundName(statement)),
      addAtCommit: (key, toStatement, rows) =>
        deferred.addAtCommit(key, (all: typeof rows) => withBoundName(toStatement(all)), rows),
    },
  };
}

/** Returns the statements that join a tenant's write, after the one that sets the tenant. See {@link withTenantPlans}. */
export function tenantStatements<T>(tenant: Tenant, { before = [], after }: JoinedStatements<T>): JoinedStatements<T> {
  const opening = setWritingTenantStatement(tenant);
  if (projectsOf(tenant) === null) return { before: [opening, ...before], after };
  return {
    before: [opening, ...before.map(withBoundName)],
    after: after && ((result) => after(result).map(withBoundName)),
  };
}

function withBoundName(statement: Statement): Statement {
  return statement.name === undefined ? statement : { ...statement, name: boundName(statement.name) };
}

function boundName(name: string): string {
  return `${name}__bound`;
}
