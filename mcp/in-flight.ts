import { CANCELLED } from '../db/client/cancel.ts';

/** Distinguishes the clients of a service without sessions. */
export interface Sender {
  keyId: string | null;
  userAgent: string;
  address: string;
}

/**
 * The requests that this node serves at the moment, so that `notifications/cancelled` can cancel one. Ids are unique only within a
 * client's session, which the server does not know: where two requests in flight look the same, neither is cancelled.
 */
export interface InFlight {
  /** Adds a request. Returns a function that removes it. */
  add(sender: Sender, id: string | number, controller: AbortController): () => void;
  cancel(sender: Sender, id: unknown): void;
}

export function createInFlight(): InFlight {
  const requests = new Map<string, Set<AbortController>>();
  return {
    add(sender, id, controller) {
      const key = keyOf(sender, id);
      const same = requests.get(key) ?? new Set();
      requests.set(key, same.add(controller));
      return () => {
        same.delete(controller);
        if (same.size === 0) requests.delete(key);
      };
    },
    cancel(sender, id) {
      const [only, ...others] = requests.get(keyOf(sender, id)) ?? [];
      if (others.length === 0) only?.abort(CANCELLED);
    },
  };
}

function keyOf({ keyId, userAgent, address }: Sender, id: unknown): string {
  return JSON.stringify([keyId, userAgent, address, id]);
}
