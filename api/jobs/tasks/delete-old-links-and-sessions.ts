import { deleteExpiredSessions } from '../../auth/sessions.ts';
import { deleteExpiredSignInLinks } from '../../auth/sign-in-links.ts';
import { deleteExpiredActivationLinks } from '../../keys/activation-links.ts';
import { deleteExpiredDeviceLogins } from '../../keys/device-logins.ts';
import { deleteOldOAuthState } from '../../oauth/retention.ts';
import { defineTask, NO_PAYLOAD } from '../define-task.ts';

/** Deletes activation links, sign-in links, logins of programs and browser sessions that ended long ago, and expired state of the OAuth server. */
export const deleteOldLinksAndSessionsTask = defineTask({
  name: 'delete_old_links_and_sessions',
  schedule: { cron: '17 * * * *' },
  payload: NO_PAYLOAD,
  async run(_payload, { database, clock }) {
    await database.ownerWrite((sql) => deleteExpiredActivationLinks(sql, clock.now()));
    await database.ownerWrite((sql) => deleteExpiredSignInLinks(sql, clock.now()));
    await database.ownerWrite((sql) => deleteExpiredDeviceLogins(sql, clock.now()));
    await database.ownerWrite((sql) => deleteExpiredSessions(sql, clock.now()));
    await database.ownerWrite((sql) => deleteOldOAuthState(sql, clock.now()));
  },
});
