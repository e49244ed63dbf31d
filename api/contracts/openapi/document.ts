import { OPERATIONS, PUBLIC_OPERATIONS } from '../index.ts';
import { jsonSchema } from '../json-schema.ts';
import type { Operation, PublicOperation } from '../operation.ts';
import { describeOperation, describePublic } from './operation-object.ts';
import { problem } from './responses.ts';
import { describeWebhooks } from './webhooks.ts';

/** Sections of the reference. */
export const TAGS = [
  { name: 'memories', description: 'Store, read, change and organize memories.' },
  { name: 'search', description: 'Find memories and build context packages.' },
  { name: 'account', description: 'The account and its usage.' },
  { name: 'keys', description: 'API keys.' },
  { name: 'webhooks', description: 'Events that are sent to your programs. On the pro and enterprise plans.' },
];

/** Creates the OpenAPI 3.1 document of the REST API from the contracts. */
export function openApiDocument(serverUrl: string, version: string) {
  const paths: Record<string, Record<string, unknown>> = {};
  const add = ({ method, path }: PublicOperation['http'] | Operation['http'], described: unknown) => {
    paths[`/api/v1${path}`] = { ...paths[`/api/v1${path}`], [method.toLowerCase()]: described };
  };
  for (const operation of OPERATIONS) add(operation.http, describeOperation(operation));
  for (const operation of PUBLIC_OPERATIONS) add(operation.http, describePublic(operation));
  return {
    openapi: '3.1.0',
    info: {
      title: 'WhiteMagic',
      version,
      summary: 'A hosted memory for AI agents.',
      description:
        'Every error is a problem document (RFC 9457) with a `code`. All codes are explained at `/docs/errors`.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: serverUrl }],
    security: [{ bearer: [] }, { apiKey: [] }],
    tags: TAGS,
    paths,
    webhooks: describeWebhooks(),
    components: {
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'wm_<env>_<32 base62>' },
        apiKey: { type: 'apiKey', in: 'header', name: 'X-API-Key' },
        session: {
          type: 'apiKey',
          in: 'cookie',
          name: serverUrl.startsWith('https:') ? '__Host-wm_session' : 'wm_session',
          description:
            'The cookie of a browser that has signed in to the dashboard. Unsafe calls need its `Origin` too.',
        },
      },
      schemas: { Problem: { ...jsonSchema(problem, 'output'), additionalProperties: true } },
    },
  };
}
