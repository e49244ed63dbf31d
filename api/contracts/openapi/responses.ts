import { z } from 'zod';
import { PROBLEMS, type ProblemCode } from '../../errors.ts';
import { type JsonSchema, jsonSchema } from '../json-schema.ts';
import { errorsOf, type Operation, type PublicOperation, publicErrorsOf } from '../operation.ts';

/** The body of every error response. */
export const problem = z.strictObject({
  type: z.url(),
  title: z.string(),
  status: z.int(),
  detail: z.string(),
  code: z.string(),
  request_id: z.string(),
  errors: z.array(z.strictObject({ path: z.string(), message: z.string() })),
});

/** Headers of every response to an authenticated request. */
const HEADERS = {
  'X-Request-Id': { description: 'Id of the request in the log of the service.', schema: { type: 'string' } },
  'X-Usage-Event': {
    description: 'Id of the recorded usage event. For a repeat by `Idempotency-Key`, that of the first request.',
    schema: { type: 'string', format: 'uuid' },
  },
  RateLimit: { description: 'Remaining quota, by draft-ietf-httpapi-ratelimit-headers.', schema: { type: 'string' } },
  'RateLimit-Policy': { description: 'Quota policies, by the same draft.', schema: { type: 'string' } },
};

/** Describes the responses of an authenticated operation by status. */
export function responsesOf(operation: Operation) {
  const schema = responseSchema(operation);
  const media = { schema, ...exampleOf(operation) };
  const success = { headers: HEADERS, content: { [operation.http.mediaType ?? 'application/json']: media } };
  const responses: Record<string, unknown> = {};
  for (const status of operation.http.statuses)
    responses[status] = { description: status === 201 ? 'Created' : 'OK', ...success };
  return { ...responses, ...errorResponses(errorsOf(operation)) };
}

function exampleOf({ example: { output } }: Pick<Operation, 'example'>) {
  return output === undefined ? {} : { example: output };
}

function responseSchema({ output, receipt }: Operation): JsonSchema {
  const schema = jsonSchema(output, 'output');
  if (!receipt) return schema;
  const description = 'Ids, versions and dates, for a key without the scope `memories:read`.';
  return { anyOf: [schema, { ...jsonSchema(receipt, 'output'), description }] };
}

/** Describes the responses of a public operation by status. */
export function publicResponsesOf(operation: PublicOperation) {
  const headers = { 'X-Request-Id': HEADERS['X-Request-Id'] };
  const schema = jsonSchema(operation.output, 'output');
  const content = { 'application/json': { schema, ...exampleOf(operation) } };
  const success = { description: 'OK', headers, content };
  return { [operation.http.statuses[0]]: success, ...errorResponses(publicErrorsOf(operation)) };
}

function errorResponses(codes: readonly ProblemCode[]): Record<string, unknown> {
  const byStatus = [...groupByStatus(codes)].sort(([a], [b]) => a - b);
  return Object.fromEntries(byStatus.map(([status, codes]) => [status, errorResponse(codes)]));
}

function groupByStatus(codes: readonly ProblemCode[]): Map<number, ProblemCode[]> {
  const groups = new Map<number, ProblemCode[]>();
  for (const code of codes) groups.set(PROBLEMS[code][0], [...(groups.get(PROBLEMS[code][0]) ?? []), code]);
  return groups;
}

function errorResponse(codes: ProblemCode[]) {
  return {
    description: codes.map((code) => `\`${code}\`: ${PROBLEMS[code][1]}.`).join(' '),
    headers: { 'X-Request-Id': HEADERS['X-Request-Id'] },
    content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
  };
}
