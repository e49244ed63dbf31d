import type { Memory } from './memory.ts';

/*
 * Values that the examples of several operations share, so that the reference tells one story: a team that deploys on Fridays.
 */

export const MEMORY_ID = '019ad3b2-7c1e-7f60-9a52-3f0c5d8e2b41';
export const OLDER_ID = '019ac1f4-0b7d-7c33-8e15-62a9d4f7b0c8';
export const KEY_ID = '019ac0a1-55d2-7b04-b6c9-1e8f7a3d2c90';
export const ACCOUNT_ID = '019ac0a1-4f3a-7e21-9d58-c2b7e6a1f034';
export const EXPORT_ID = '019ad3c8-2e90-7a47-8b31-d5f6c0e9a712';
/** An API key as it looks, which is none. */
export const API_KEY = 'wm_live_EXAMPLEEXAMPLEEXAMPLEEXAMPLE0000';

const FIELDS = {
  type: 'short_term' as const,
  status: 'active' as const,
  title: 'Deploys',
  content: 'We deploy on Fridays, after the tests on staging are green.',
  tags: ['ops', 'deploy'],
  metadata: { importance: 0.8 },
  project: 'shop',
  session_id: null,
  occurred_at: null,
  expires_at: null,
  supersedes: null,
  version: 1,
  size_bytes: 95,
};

/** A memory as a create stores it. */
export const MEMORY: Memory = {
  id: MEMORY_ID,
  ...FIELDS,
  superseded_by: null,
  consolidated_into: null,
  created_at: '2026-11-30T09:41:07.512Z',
  updated_at: '2026-11-30T09:41:07.512Z',
};

/** The same memory after an edit. */
export const EDITED: Memory = {
  ...MEMORY,
  content: 'We deploy on Thursdays, after the tests on staging are green.',
  version: 2,
  size_bytes: 97,
  updated_at: '2026-12-01T08:15:30.044Z',
};

/** An API key in a list. */
export const KEY = {
  id: KEY_ID,
  name: 'Laptop',
  prefix: 'wm_live_',
  last4: '0000',
  scopes: ['memories:read' as const, 'memories:write' as const],
  projects: null,
  rpm_limit: null,
  active: true,
  expires_at: null,
  revoked_at: null,
  last_used_at: '2026-11-30T09:41:07.512Z',
  created_at: '2026-11-26T14:03:55.120Z',
};

/** A key that is shown. */
export const NEW_KEY = {
  ...KEY,
  id: '019ad3d0-91b4-7d2e-a6f8-0c3b5e7d1a29',
  name: 'CI',
  last_used_at: null,
  created_at: '2026-11-30T10:02:11.840Z',
  api_key: API_KEY,
};

/** The state that {@link EDITED} replaced. */
export const PREVIOUS = { ...FIELDS, written_at: MEMORY.created_at };

/** An export that waits for its job. */
export const PENDING_EXPORT = {
  id: EXPORT_ID,
  status: 'pending' as const,
  created_at: '2026-11-30T10:00:00.000Z',
  ready_at: null,
  expires_at: null,
  bytes: null,
  counts: null,
  file: null,
};
