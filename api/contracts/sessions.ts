import { z } from 'zod';
import * as f from './fields.ts';
import { operation } from './operation.ts';

const SESSION_ID = '019b0f3a-6c1e-7d2b-9a40-5b8c1d2e3f40';

const session = z.strictObject({
  id: f.id,
  label: z
    .string()
    .meta({ description: 'Browser and system, such as `Firefox on Linux`; empty where they are unknown.' }),
  current: z.boolean().meta({ description: 'Whether this is the calling browser.' }),
  created_at: f.instant.meta({ description: 'Time of the sign-in.' }),
  last_seen_at: f.instant,
  expires_at: f.instant.meta({ description: 'Time at which it ends unless it is used before.' }),
});

const revoked = z.strictObject({ revoked: z.int().meta({ description: 'Number of sessions that were ended.' }) });

export const listSessions = operation({
  id: 'sessions.list',
  summary: 'List the browsers that are signed in',
  description: 'At most 20, the one used last first.',
  tag: 'account',
  http: { method: 'GET', path: '/user/sessions', statuses: [200] },
  access: { scope: 'account:read', sessionOnly: true, allowedWhileClosing: true },
  execution: { kind: 'read' },
  input: z.strictObject({}),
  output: z.strictObject({ results: z.array(session), total: z.int() }),
  example: {
    input: {},
    output: {
      results: [
        {
          id: SESSION_ID,
          label: 'Firefox on Linux',
          current: true,
          created_at: '2026-11-26T14:03:55.120Z',
          last_seen_at: '2026-11-29T09:41:07.003Z',
          expires_at: '2026-12-29T09:41:07.003Z',
        },
      ],
      total: 1,
    },
  },
  errors: [],
});

export const revokeSession = operation({
  id: 'sessions.revoke',
  summary: 'Sign a browser out',
  tag: 'account',
  http: { method: 'DELETE', path: '/user/sessions/{id}', statuses: [200] },
  access: { scope: 'keys:write', sessionOnly: true, allowedWhileClosing: true },
  execution: { kind: 'write' },
  input: z.strictObject({ id: f.id }),
  output: revoked,
  example: { input: { id: SESSION_ID }, output: { revoked: 1 } },
  errors: ['not_found'],
});

export const revokeAllSessions = operation({
  id: 'sessions.revoke_all',
  summary: 'Sign out everywhere',
  tag: 'account',
  http: { method: 'DELETE', path: '/user/sessions', statuses: [200] },
  access: { scope: 'keys:write', sessionOnly: true, allowedWhileClosing: true },
  execution: { kind: 'write' },
  input: z.strictObject({
    except_current: z.boolean().default(false).meta({ description: 'Leaves the calling browser signed in.' }),
  }),
  output: revoked,
  example: { input: { except_current: true }, output: { revoked: 2 } },
  errors: [],
});
