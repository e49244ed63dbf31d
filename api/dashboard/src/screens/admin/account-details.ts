import type { OutputOf } from '../../api/client.ts';

/** An account as the operator sees it. */
export type AccountDetails = OutputOf<'admin.users.get'>;

/** Operations whose results an act on an account changes. */
export const CHANGED_BY_ACTS = ['admin.users.get', 'admin.users.list', 'admin.users.audit', 'user.me'] as const;
