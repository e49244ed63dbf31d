import type { Statement } from '../../client/sql.ts';

/**
 * Two advisory locks of a tenant, held by the connection of a node: the node whose turn it is, and the one that comes next. A node needs
 * the second to ask for the first, so that two nodes alternate. PostgreSQL releases them when the connection ends. Their classes are
 * arbitrary numbers.
 */
const TURN = `7301, hashtext($1)`;
const NEXT = `7302, hashtext($1)`;

/** The locks of a tenant that a node holds. */
export interface TurnRow {
  is_next: boolean;
  has_turn: boolean;
}

/** Takes the turn of a tenant if it is free, or else the place after it. @param isNext whether the node has that place already */
export function takeTurnStatement(tenant: string, isNext: boolean): Statement {
  return {
    name: 'take_turn',
    text: `with next as materialized (
        select case when $2::boolean then true else pg_try_advisory_lock(${NEXT}) end as held
      ),
      turn as materialized (
        select case when held then pg_try_advisory_lock(${TURN}) else false end as held
        from next
      )
      select next.held as is_next,
        turn.held as has_turn,
        case when turn.held then pg_advisory_unlock(${NEXT}) end
      from next, turn`,
    values: [tenant, isNext],
  };
}

/** Gives back the turn of a tenant. */
export function endTurnStatement(tenant: string): Statement {
  return { name: 'end_turn', text: `select pg_advisory_unlock(${TURN})`, values: [tenant] };
}

/** Gives back the place after the present turn. */
export function leaveTurnsStatement(tenant: string): Statement {
  return { name: 'leave_turns', text: `select pg_advisory_unlock(${NEXT})`, values: [tenant] };
}
