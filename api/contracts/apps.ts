import { z } from 'zod';
import * as f from './fields.ts';
import { operation, type SCOPES } from './operation.ts';

/** Scopes that an app may get. It never gets `keys:write`: a key that it made would outlive its revocation. */
export const APP_SCOPES = [
  'memories:read',
  'memories:write',
  'account:read',
] as const satisfies readonly (typeof SCOPES)[number][];
export type AppScope = (typeof APP_SCOPES)[number];

const APP_ID = '019b0f3a-6c1e-7d2b-9a40-5b8c1d2e3f41';
const REQUEST_ID = 'b0r3wQZ7c2m4XkVt9sLh1pYfNd8uJg5aEo6iTqRzWxC';

const scope = z.enum(APP_SCOPES);
const name = z.string().meta({ description: 'As the app names itself; not verified.' });
const host = z.string().meta({
  description:
    'Where the app receives its access: a host name, `localhost`, or the scheme of a program, such as `cursor:`.',
});
const clientId = z.string().meta({ description: 'A URL whose host published the app, or the id of a registration.' });
const requestId = z
  .string()
  .regex(/^[\w-]{16,100}$/, 'must be the id of a request')
  .meta({ description: 'From the address of the consent screen.' });

const app = z.strictObject({
  id: f.id,
  name,
  client_id: clientId,
  host,
  scopes: z.array(scope),
  projects: z.array(z.string()).nullable().meta({
    description: 'The projects that it sees and writes; "none": memories of no project. Null: all.',
  }),
  created_at: f.instant.meta({ description: 'Time of the consent.' }),
  last_used_at: f.instant.nullable(),
  expires_at: f.instant.meta({ description: 'Time at which its access ends unless it is used before.' }),
});

const APP = {
  id: APP_ID,
  name: 'Claude',
  client_id: 'https://claude.ai/oauth/mcp-oauth-client-metadata',
  host: 'claude.ai',
  scopes: ['memories:read' as const, 'memories:write' as const],
  projects: null,
  created_at: '2026-11-28T09:30:00.000Z',
  last_used_at: '2026-11-29T08:12:44.902Z',
  expires_at: '2027-02-27T08:12:44.000Z',
};

export const listApps = operation({
  id: 'apps.list',
  summary: 'List the apps that are connected by OAuth',
  description: 'At most 100, the newest first, without apps whose access ended.',
  tag: 'account',
  http: { method: 'GET', path: '/user/apps', statuses: [200] },
  access: { scope: 'account:read' },
  execution: { kind: 'read' },
  input: z.strictObject({}),
  output: z.strictObject({
    results: z.array(app),
    total: z.int(),
    mcp_url: z.string().nullable().meta({
      description: 'Address of the MCP server for apps that connect by OAuth; null where OAuth is off.',
    }),
  }),
  example: { input: {}, output: { results: [APP], total: 1, mcp_url: 'https://mcp.example.com/mcp' } },
  errors: [],
});

export const revokeApp = operation({
  id: 'apps.revoke',
  summary: 'Disconnect an app immediately',
  description: 'Its access and refresh tokens stop working at once. The app can ask for access again.',
  tag: 'account',
  http: { method: 'DELETE', path: '/user/apps/{id}', statuses: [200] },
  access: { scope: 'keys:write' },
  execution: { kind: 'write' },
  input: z.strictObject({ id: f.id }),
  output: z.strictObject({ revoked: z.literal(true) }),
  example: { input: { id: APP_ID }, output: { revoked: true } },
  errors: ['not_found'],
});

export const getAppRequest = operation({
  id: 'apps.get_request',
  summary: 'Get what an app asks for',
  tag: 'account',
  http: { method: 'GET', path: '/user/app-requests/{request}', statuses: [200] },
  access: { scope: 'account:read', sessionOnly: true },
  execution: { kind: 'read' },
  input: z.strictObject({ request: requestId }),
  output: z.strictObject({ id: z.string(), name, client_id: clientId, host, scopes: z.array(scope) }),
  example: {
    input: { request: REQUEST_ID },
    output: {
      id: REQUEST_ID,
      name: APP.name,
      client_id: APP.client_id,
      host: APP.host,
      scopes: APP.scopes,
    },
  },
  errors: ['not_found'],
});

export const decideAppRequest = operation({
  id: 'apps.decide_request',
  summary: 'Allow or deny what an app asks for',
  description:
    'The browser that the app opened must follow `redirect_url` within five minutes; nothing is granted before it does.',
  tag: 'account',
  http: { method: 'POST', path: '/user/app-requests/{request}', statuses: [200] },
  access: { scope: 'keys:write', sessionOnly: true },
  execution: { kind: 'write', role: 'admin', returnsSecret: true },
  input: z.strictObject({
    request: requestId,
    allowed: z.boolean(),
    scopes: z.array(scope).min(1).max(APP_SCOPES.length).optional().meta({
      description: 'Those granted, among the ones asked for. Default: all of them.',
    }),
    projects: f.keyProjects.nullable().default(null).meta({
      description: 'Binds the app to projects: it sees and writes the memories of these only. Null: all.',
    }),
  }),
  output: z.strictObject({ redirect_url: z.string() }),
  example: {
    input: { request: REQUEST_ID, allowed: true, scopes: ['memories:read'] },
    output: { redirect_url: `https://mcp.example.com/interaction/${REQUEST_ID}/finish?ticket=…` },
  },
  errors: ['not_found'],
});
