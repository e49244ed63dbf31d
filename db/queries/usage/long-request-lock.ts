import type { Statement } from '../../client/sql.ts';

/**
 * Two advisory locks of a tenant, which the session of a node holds: the lock itself, and the first position of the queue for it. A node
 * needs the position to try the lock, so that two nodes hold it alternately. The classes are arbitrary numbers.
 */
const LOCK = `7301, hashtext($1)`;
const POSITION = `7302, hashtext($1)`;

/** The locks of a tenant that a session has acquired. */
export interface LockRow {
  is_first: boolean;
  is_locked: boolean;
}

/**
 * Acquires the lock of a tenant if it is free, and otherwise the first position of the queue.
 * @param isFirst whether the session has that position already
 */
export function tryLockStatement(tenant: string, isFirst: boolean): Statement {
  return {
    name: 'try_lock_tenant',
    text: `with position as materialized (
        select case when $2::boolean then true else pg_try_advisory_lock(${POSITION}) end as held
      ),
      lock as materialized (
        select case when held then pg_try_advisory_lock(${LOCK}) else false end as held
        from position
      )
      select position.held as is_first,
        lock.held as is_locked,
        case when lock.held then pg_advisory_unlock(${POSITION}) end
      from position, lock`,
    values: [tenant, isFirst],
  };
}

/** Releases the lock of a tenant. */
export function unlockStatement(tenant: string): Statement {
  return { name: 'unlock_tenant', text: `select pg_advisory_unlock(${LOCK})`, values: [tenant] };
}

/** Gives up the first position of the queue for the lock of a tenant. */
export function leaveQueueStatement(tenant: string): Statement {
  return { name: 'leave_lock_queue', text: `select pg_advisory_unlock(${POSITION})`, values: [tenant] };
}
