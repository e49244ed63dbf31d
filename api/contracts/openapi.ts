import { z } from 'zod';
import { PROBLEMS, type ProblemCode } from '../errors.ts';
import { OPERATIONS, PUBLIC_OPERATIONS } from './index.ts';
import {
  errorsOf,
  isMemoryOperation,
  type JsonSchema,
  jsonSchema,
  type Operation,
  type PublicOperation,
  pathParameters,
  publicErrorsOf,
  takesBody,
} from './operation.ts';

const problem = z.strictObject({
  type: z.url(),
  title: z.string(),
  status: z.int(),
  detail: z.string(),
  code: z.string(),
  request_id: z.string(),
  errors: z.array(z.strictObject({ path: z.string(), message: z.string() })),
});

const TAGS = [
  { name: 'memories', description: 'Store, read, change and tidy memories.' },
  { name: 'search', description: 'Find memories and pack them into a context.' },
  { name: 'account', description: 'Who you are and what you used.' },
  { name: 'keys', description: 'API keys.' },
];

/** Headers of every answer to an authenticated call. */
const HEADERS = {
  'X-Request-Id': { description: 'Names this call in our log.', schema: { type: 'string' } },
  'X-Usage-Event': {
    description: "The usage event on record for this call; of a repeat by `Idempotency-Key` the first call's.",
    schema: { type: 'string', format: 'uuid' },
  },
  RateLimit: { description: 'What is left: draft-ietf-httpapi-ratelimit-headers.', schema: { type: 'string' } },
  'RateLimit-Policy': { description: 'What is allowed.', schema: { type: 'string' } },
};

/** The OpenAPI 3.1 document of the REST API, from the contracts alone. */
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
        'Every refusal is a problem document (RFC 9457) with a `code`; each code is explained at `/docs/errors`.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: serverUrl }],
    security: [{ bearer: [] }, { apiKey: [] }],
    tags: TAGS,
    paths,
    components: {
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'wm_<env>_<32 base62>' },
        apiKey: { type: 'apiKey', in: 'header', name: 'X-API-Key' },
      },
      schemas: { Problem: { ...jsonSchema(problem, 'output'), additionalProperties: true } },
    },
  };
}

function describeOperation(operation: Operation) {
  const input = jsonSchema(operation.input, 'input');
  const inPath = new Set(pathParameters(operation.http.path));
  return {
    operationId: operation.id,
    summary: operation.summary,
    ...(operation.description && { description: operation.description }),
    tags: [operation.tag],
    'x-required-scope': operation.access.scope,
    parameters: [...parameters(operation, input, inPath), ...headerParameters(operation)],
    ...(takesBody(operation) && { requestBody: requestBody(input, inPath) }),
    responses: responses(operation),
  };
}

function describePublic(operation: PublicOperation) {
  const { id, summary, description, tag, output, http } = operation;
  const input = jsonSchema(operation.input, 'input');
  const headers = { 'X-Request-Id': HEADERS['X-Request-Id'] };
  const content = { 'application/json': { schema: jsonSchema(output, 'output') } };
  return {
    operationId: id,
    summary,
    ...(description && { description }),
    tags: [tag],
    security: [],
    parameters: parameters(operation, input, new Set()),
    ...(takesBody(operation) && { requestBody: requestBody(input, new Set()) }),
    responses: { [http.statuses[0]]: { description: 'OK', headers, content }, ...refusals(publicErrorsOf(operation)) },
  };
}

function parameters(operation: Operation | PublicOperation, input: JsonSchema, inPath: ReadonlySet<string>) {
  const required = new Set((input.required as string[] | undefined) ?? []);
  return Object.entries(input.properties ?? {})
    .filter(([name]) => inPath.has(name) || !takesBody(operation))
    .map(([name, schema]) => ({
      name,
      in: inPath.has(name) ? 'path' : 'query',
      required: inPath.has(name) || required.has(name),
      schema,
      ...(schema.type === 'array' && {
        style: 'form',
        explode: false,
        description: 'Separated by commas; or a JSON array, for values that contain commas: `["a,b"]`.',
      }),
    }));
}

function headerParameters(operation: Operation) {
  const header = (name: string, description: string) => ({
    name,
    in: 'header',
    required: false,
    description,
    schema: { type: 'string' },
  });
  return [
    ...(operation.execution.kind === 'write'
      ? [header('Idempotency-Key', 'A repeat with the same key and request answers what the first did, for 24 hours.')]
      : []),
    ...(operation.http.ifMatch ? [header('If-Match', 'The `ETag` that the memory must still have.')] : []),
    ...(isMemoryOperation(operation) ? [header('X-WhiteMagic-Project', 'Default project of this call.')] : []),
  ];
}

function requestBody(input: JsonSchema, inPath: ReadonlySet<string>) {
  const properties = Object.fromEntries(Object.entries(input.properties ?? {}).filter(([name]) => !inPath.has(name)));
  const required = ((input.required as string[] | undefined) ?? []).filter((name) => !inPath.has(name));
  const { required: _required, ...rest } = input;
  const schema = { ...rest, properties, ...(required.length > 0 && { required }) };
  return { required: required.length > 0, content: { 'application/json': { schema } } };
}

function responses(operation: Operation) {
  const schema = responseSchema(operation);
  const success = { headers: HEADERS, content: { [operation.http.mediaType ?? 'application/json']: { schema } } };
  const answers: Record<string, unknown> = {};
  for (const status of operation.http.statuses)
    answers[status] = { description: status === 201 ? 'Created' : 'OK', ...success };
  return { ...answers, ...refusals(errorsOf(operation)) };
}

function responseSchema({ output, receipt }: Operation): JsonSchema {
  const schema = jsonSchema(output, 'output');
  if (!receipt) return schema;
  const description = 'Ids, versions and dates, for a key without the scope `memories:read`.';
  return { anyOf: [schema, { ...jsonSchema(receipt, 'output'), description }] };
}

function refusals(codes: readonly ProblemCode[]): Record<string, unknown> {
  const byStatus = [...groupByStatus(codes)].sort(([a], [b]) => a - b);
  return Object.fromEntries(byStatus.map(([status, codes]) => [status, refusal(codes)]));
}

function groupByStatus(codes: readonly ProblemCode[]): Map<number, ProblemCode[]> {
  const groups = new Map<number, ProblemCode[]>();
  for (const code of codes) groups.set(PROBLEMS[code][0], [...(groups.get(PROBLEMS[code][0]) ?? []), code]);
  return groups;
}

function refusal(codes: ProblemCode[]) {
  return {
    description: codes.map((code) => `\`${code}\`: ${PROBLEMS[code][1]}.`).join(' '),
    headers: { 'X-Request-Id': HEADERS['X-Request-Id'] },
    content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
  };
}
