import { z } from 'zod';
import { ACCOUNT_ID, PENDING_EXPORT } from './examples.ts';
import * as f from './fields.ts';
import { operation, streamed } from './operation.ts';

const accountExport = z.strictObject({
  id: f.id,
  status: z
    .enum(['pending', 'ready', 'failed', 'erased'])
    .meta({ description: '`erased`: a memory in it was deleted permanently; request a new one.' }),
  created_at: f.instant,
  ready_at: f.instant.nullable(),
  expires_at: f.instant.nullable().meta({ description: 'Time until which the file is kept.' }),
  bytes: z.int().nullable().meta({ description: 'Size of the file.' }),
  counts: z.record(z.string(), z.int()).nullable().meta({ description: 'Number of lines by kind.' }),
  file: z.string().nullable().meta({ description: 'Path of the file, once it is ready.' }),
});

export const requestExport = operation({
  id: 'account.export',
  summary: 'Export everything that the account contains',
  description:
    'A job writes the file: NDJSON, gzipped, with a manifest as its first line. While an export is pending, it is ' +
    'returned instead of a new one. Also needs the scope `memories:read`.',
  tag: 'account',
  http: { method: 'POST', path: '/account/export', statuses: [202] },
  access: { scope: 'account:read', wholeAccount: true, allowedWhileClosing: true },
  execution: { kind: 'write', role: 'admin' },
  input: z.strictObject({}),
  output: accountExport,
  example: {
    input: {},
    output: PENDING_EXPORT,
  },
  errors: [],
});

export const exportState = operation({
  id: 'account.export_state',
  summary: 'Get the state of the newest export',
  tag: 'account',
  http: { method: 'GET', path: '/account/export', statuses: [200] },
  access: { scope: 'account:read', wholeAccount: true, allowedWhileClosing: true },
  execution: { kind: 'read' },
  input: z.strictObject({}),
  output: accountExport,
  example: {
    input: {},
    output: {
      ...PENDING_EXPORT,
      status: 'ready',
      ready_at: '2026-11-30T10:00:04.120Z',
      expires_at: '2026-12-07T10:00:04.120Z',
      bytes: 61_204,
      counts: { memory: 152, memory_version: 31, api_key: 1, usage_day: 5 },
      file: '/api/v1/account/export/file',
    },
  },
  errors: ['not_found'],
});

export const listExports = operation({
  id: 'account.exports',
  summary: 'List exports',
  description: 'The newest export, or an empty list: a new one replaces it.',
  tag: 'account',
  http: { method: 'GET', path: '/account/exports', statuses: [200] },
  access: { scope: 'account:read', wholeAccount: true, allowedWhileClosing: true },
  execution: { kind: 'read' },
  input: z.strictObject({}),
  output: z.strictObject({ results: z.array(accountExport), total: z.int() }),
  example: { input: {}, output: { results: [PENDING_EXPORT], total: 1 } },
  errors: [],
});

export const exportFile = operation({
  id: 'account.export_file',
  summary: 'Download the newest finished export',
  description: 'Also needs the scope `memories:read`.',
  tag: 'account',
  http: { method: 'GET', path: '/account/export/file', statuses: [200], mediaType: 'application/gzip' },
  access: { scope: 'account:read', wholeAccount: true, allowedWhileClosing: true },
  execution: { kind: 'read', connection: 'shared' },
  input: z.strictObject({}),
  output: streamed,
  example: {
    input: {},
  },
  errors: ['not_found'],
});

const closingState = z.strictObject({
  status: z.enum(['active', 'read_only', 'closing', 'deleted']),
  purge_at: f.instant.nullable().meta({ description: 'Time at which everything is deleted permanently.' }),
});

export const closeAccount = operation({
  id: 'account.delete',
  summary: 'Delete the account and everything in it',
  description:
    'For 30 days its keys and the dashboard can only export the account or restore it; then it is purged. `immediate` ' +
    'ends its sessions and purges it now, and cannot be undone. A paid plan is not canceled by this.',
  tag: 'account',
  http: { method: 'DELETE', path: '/account', statuses: [202] },
  access: { scope: 'keys:write', wholeAccount: true, allowedWhileClosing: true },
  execution: { kind: 'write', role: 'admin' },
  input: z.strictObject({
    confirm: z.string().meta({ description: 'The id of the account, from `GET /user/me`.' }),
    immediate: z.boolean().default(false),
  }),
  output: closingState,
  example: {
    input: { confirm: ACCOUNT_ID },
    output: { status: 'closing', purge_at: '2026-12-30T10:00:00.000Z' },
  },
  errors: ['not_found'],
});

export const restoreAccount = operation({
  id: 'account.restore',
  summary: 'Undo the deletion of the account',
  description: 'Possible until the account is purged. An account that is not being deleted does not change.',
  tag: 'account',
  http: { method: 'POST', path: '/account/restore', statuses: [200] },
  access: { scope: 'keys:write', wholeAccount: true, allowedWhileClosing: true },
  execution: { kind: 'write', role: 'admin' },
  input: z.strictObject({}),
  output: closingState,
  example: {
    input: {},
    output: { status: 'active', purge_at: null },
  },
  errors: ['not_found'],
});
