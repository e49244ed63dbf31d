import { z } from 'zod';
import * as f from './fields.ts';
import { operation, streamed } from './operation.ts';

const accountExport = z.strictObject({
  id: f.id,
  status: z.enum(['pending', 'ready', 'failed']),
  created_at: f.instant,
  ready_at: f.instant.nullable(),
  expires_at: f.instant.nullable().meta({ description: 'Until when the file is kept.' }),
  bytes: z.int().nullable().meta({ description: 'Size of the file.' }),
  counts: z.record(z.string(), z.int()).nullable().meta({ description: 'Lines of each kind.' }),
  file: z.string().nullable().meta({ description: 'Where the file is, once it is ready.' }),
});

export const requestExport = operation({
  id: 'account.export',
  summary: 'Ask for a file of everything the account holds',
  description:
    'A job writes it: NDJSON, gzipped, with a manifest as its first line. While one is pending, that is the one ' +
    'answered. Needs `memories:read` as well.',
  tag: 'account',
  http: { method: 'POST', path: '/account/export', statuses: [202] },
  access: { scope: 'account:read', allowedWhileClosing: true },
  execution: { kind: 'write', role: 'admin' },
  input: z.strictObject({}),
  output: accountExport,
  errors: [],
});

export const exportState = operation({
  id: 'account.export_state',
  summary: 'How the newest export stands',
  tag: 'account',
  http: { method: 'GET', path: '/account/export', statuses: [200] },
  access: { scope: 'account:read', allowedWhileClosing: true },
  execution: { kind: 'read' },
  input: z.strictObject({}),
  output: accountExport,
  errors: ['not_found'],
});

export const exportFile = operation({
  id: 'account.export_file',
  summary: 'Download the newest export that is ready',
  description: 'Needs `memories:read` as well.',
  tag: 'account',
  http: { method: 'GET', path: '/account/export/file', statuses: [200], mediaType: 'application/gzip' },
  access: { scope: 'account:read', allowedWhileClosing: true },
  execution: { kind: 'read', connection: 'shared' },
  input: z.strictObject({}),
  output: streamed,
  errors: ['not_found'],
});

const ending = z.strictObject({
  status: z.enum(['active', 'read_only', 'closing', 'deleted']),
  purge_at: f.instant.nullable().meta({ description: 'When everything is deleted for good.' }),
});

export const closeAccount = operation({
  id: 'account.delete',
  summary: 'Delete the account and everything in it',
  description:
    'Its keys and sessions end at once; for 30 days a key can still export the account or restore it, then it is ' +
    'purged. `immediate` purges it now, and cannot be undone. A plan that is paid for is not cancelled by this.',
  tag: 'account',
  http: { method: 'DELETE', path: '/account', statuses: [202] },
  access: { scope: 'keys:write', allowedWhileClosing: true },
  execution: { kind: 'write', role: 'admin' },
  input: z.strictObject({
    confirm: z.string().meta({ description: 'The id of the account, from `GET /user/me`.' }),
    immediate: z.boolean().default(false),
  }),
  output: ending,
  errors: ['not_found'],
});

export const restoreAccount = operation({
  id: 'account.restore',
  summary: 'Take the deletion of the account back',
  description: 'Until it is purged. An account that is not being deleted stays as it is.',
  tag: 'account',
  http: { method: 'POST', path: '/account/restore', statuses: [200] },
  access: { scope: 'keys:write', allowedWhileClosing: true },
  execution: { kind: 'write', role: 'admin' },
  input: z.strictObject({}),
  output: ending,
  errors: ['not_found'],
});
