import { type Listener, listenForNotifications } from '../../client/notifications.ts';

/*
 * Every node caches the permissions of keys for some seconds. Each statement that changes them notifies all nodes itself: PostgreSQL
 * delivers a notification at the commit, and only then, so a killed process cannot have changed something without notifying.
 */

const CHANNEL = 'account_changed';

/**
 * SQL that notifies every node of a changed account once the transaction commits. It belongs into the `returning` of each statement
 * that changes a key's scopes, limit, expiry or revocation, or a user's plan, overrides or status.
 * @param userId the column that holds the user's id
 */
export function notifyAccountChanged(userId: 'id' | 'user_id'): string {
  return `pg_notify('${CHANNEL}', ${userId}::text)`;
}

/** Callbacks of {@link listenForAccountChanges}. */
interface AccountChangeHandlers {
  /** A change of this user's account was committed. */
  onChange(userId: string): void;
  /** Every change that commits from now on will be reported. */
  onListening(): void;
  /** Changes may be missed until the next `onListening`. */
  onLost(): void;
}

/**
 * Listens for account changes until closed, across lost connections.
 * @param url of any login, but not of a transaction-mode pooler
 */
export function listenForAccountChanges(
  url: string,
  handlers: AccountChangeHandlers,
  onError: (error: Error) => void,
): Listener {
  return listenForNotifications(url, CHANNEL, {
    onNotification: (userId) => handlers.onChange(userId),
    onListening: () => handlers.onListening(),
    onLost: () => handlers.onLost(),
    onError,
  });
}
