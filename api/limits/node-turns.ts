import { setTimeout as delay } from 'node:timers/promises';
import type { Database } from '../../db/client/database.ts';
import {
  endTurnStatement,
  leaveTurnsStatement,
  type TurnRow,
  takeTurnStatement,
} from '../../db/queries/usage/node-turns.ts';

/** Turns of the nodes of a service: only one at a time executes long requests of a tenant, because they share a database. */
export interface NodeTurns {
  /** Waits for this node's turn, at most {@link WAIT_MS_MAX}. Returns the function that ends the turn. Never rejects. */
  take(tenant: string): Promise<() => void>;
}

/** Interval at which a node asks whether its turn has come. */
const INTERVAL_MS = 15;
/** A request that has waited this long is executed without a turn: the node that has it may hang. */
const WAIT_MS_MAX = 2_000;

/** Creates the turns of one node. @param lookup executes statements on one connection */
export function createNodeTurns(lookup: Database['lookup']): NodeTurns {
  /** A database that fails delays no request: the request itself reports it. */
  const tryTake = async (tenant: string, isNext: boolean): Promise<TurnRow | undefined> => {
    const [row] = await lookup<TurnRow>(takeTurnStatement(tenant, isNext)).catch(() => []);
    return row;
  };
  const giveBack = (statement: Parameters<typeof lookup>[0]): void => void lookup(statement).catch(() => undefined);
  return {
    async take(tenant) {
      const end = performance.now() + WAIT_MS_MAX;
      let row = await tryTake(tenant, false);
      while (row && !row.has_turn && performance.now() < end) {
        await delay(INTERVAL_MS);
        row = await tryTake(tenant, row.is_next);
      }
      if (row?.has_turn) return () => giveBack(endTurnStatement(tenant));
      if (row?.is_next) giveBack(leaveTurnsStatement(tenant));
      return () => undefined;
    },
  };
}
