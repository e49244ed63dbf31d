import { type JsonSchema, jsonSchema } from '../json-schema.ts';
import { isMemoryOperation, type Operation, type PublicOperation, pathParameters, takesBody } from '../operation.ts';
import { publicResponsesOf, responsesOf } from './responses.ts';

/** Describes an authenticated operation as an OpenAPI operation object. */
export function describeOperation(operation: Operation) {
  const input = jsonSchema(operation.input, 'input', { formats: true });
  const inPath = new Set(pathParameters(operation.http.path));
  return {
    operationId: operation.id,
    summary: operation.summary,
    ...(operation.description && { description: operation.description }),
    tags: [operation.tag],
    'x-required-scope': operation.access.scope,
    ...(operation.access.sessionOnly && { security: [{ session: [] }] }),
    parameters: [...parameters(operation, input, inPath), ...headerParameters(operation)],
    ...(takesBody(operation) && { requestBody: requestBody(operation, input, inPath) }),
    responses: responsesOf(operation),
  };
}

/** Describes a public operation as an OpenAPI operation object. */
export function describePublic(operation: PublicOperation) {
  const { id, summary, description, tag } = operation;
  const input = jsonSchema(operation.input, 'input', { formats: true });
  return {
    operationId: id,
    summary,
    ...(description && { description }),
    tags: [tag],
    security: [],
    parameters: parameters(operation, input, new Set()),
    ...(takesBody(operation) && { requestBody: requestBody(operation, input, new Set()) }),
    responses: publicResponsesOf(operation),
  };
}

function parameters(operation: Operation | PublicOperation, input: JsonSchema, inPath: ReadonlySet<string>) {
  const required = new Set((input.required as string[] | undefined) ?? []);
  const given = operation.example.input as Record<string, unknown>;
  return Object.entries(input.properties ?? {})
    .filter(([name]) => inPath.has(name) || !takesBody(operation))
    .map(([name, schema]) => ({
      name,
      in: inPath.has(name) ? 'path' : 'query',
      required: inPath.has(name) || required.has(name),
      schema: inPath.has(name) ? schema : querySchema(schema),
      ...(name in given && { example: given[name] }),
      ...(schema.type === 'array' && {
        style: 'form',
        explode: false,
        description: 'Separated by commas; or a JSON array, for values that contain commas: `["a,b"]`.',
      }),
    }));
}

/** Returns the schema of a field as a query parameter. A query string has no null: an empty value stands for it. */
function querySchema(schema: JsonSchema): JsonSchema {
  const types = ([] as unknown[]).concat(schema.type ?? []);
  if (!types.includes('null')) return schema;
  const { minLength: _, ...rest } = schema;
  return {
    ...rest,
    type: types.find((type) => type !== 'null'),
    description: `${schema.description ?? ''} Empty: null.`.trim(),
  };
}

function headerParameters(operation: Operation) {
  const header = (name: string, description: string, schema: JsonSchema = {}) => ({
    name,
    in: 'header',
    required: false,
    description,
    schema: { type: 'string', ...schema },
  });
  return [
    ...(operation.execution.kind === 'write'
      ? [
          header('Idempotency-Key', 'A repeated request with the same key returns the first response, for 24 hours.', {
            pattern: '^[\\x21-\\x7e]{1,255}$',
          }),
        ]
      : []),
    ...(operation.http.ifMatch
      ? [
          header('If-Match', 'The `ETag` that the memory must still have, or `*`. Otherwise the response is 412.', {
            pattern: '^(\\*|(W/)?"\\d{1,10}")$',
          }),
        ]
      : []),
    ...(isMemoryOperation(operation) ? [header('X-WhiteMagic-Project', 'Default project of this request.')] : []),
  ];
}

function requestBody({ example }: Pick<Operation, 'example'>, input: JsonSchema, inPath: ReadonlySet<string>) {
  const properties = withoutPath(input.properties ?? {}, inPath);
  const required = ((input.required as string[] | undefined) ?? []).filter((name) => !inPath.has(name));
  const { required: _required, ...rest } = input;
  const schema = { ...rest, properties, ...(required.length > 0 && { required }) };
  const media = { schema, example: withoutPath(example.input as object, inPath) };
  return { required: required.length > 0, content: { 'application/json': media } };
}

/** Returns the fields that are sent in the body. */
function withoutPath(fields: object, inPath: ReadonlySet<string>): object {
  return Object.fromEntries(Object.entries(fields).filter(([name]) => !inPath.has(name)));
}
