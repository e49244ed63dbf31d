import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { OPERATIONS, OPERATOR_OPERATIONS, PUBLIC_OPERATIONS } from '../../api/contracts/index.ts';
import type { Operation, PublicOperation } from '../../api/contracts/operation.ts';
import { parseInput } from '../../api/contracts/parse.ts';
import type { Json } from '../support/client.ts';
import { clientOf, sampleCall, sendSample } from '../support/samples.ts';
import { startTestService, type TestService } from '../support/service.ts';

const operations = OPERATIONS as unknown as readonly Operation[];
const all: readonly PublicOperation[] = [...(operations as unknown as PublicOperation[]), ...PUBLIC_OPERATIONS];

/** Top-level fields of an example or a response that only one of them has, since they depend on what is stored. */
const OPTIONAL: Record<string, string[]> = {
  'memories.list': ['reason'],
  'search.query': ['reason', 'low_confidence', 'embedding_pending'],
  'search.context': ['reason', 'embedding_pending'],
};

let node: TestService;
let document: Json;

beforeAll(async () => {
  node = await startTestService();
  document = await (await fetch(`${node.url}/openapi.json`)).json();
});
afterAll(() => node.stop());

const described = ({ http: { method, path } }: Pick<Operation, 'http'> | PublicOperation): Json =>
  document.paths[`/api/v1${path}`][method.toLowerCase()];

/** Fails unless a value is valid by a schema of the OpenAPI document. */
function expectValid(schema: object, value: unknown): void {
  const ajv = addFormats.default(new Ajv2020({ strict: false, allErrors: true }));
  ajv.addSchema(document, 'openapi');
  const validate = ajv.compile(schema);
  validate(value);
  expect(validate.errors ?? []).toEqual([]);
}

describe('the example of an operation', () => {
  it.each([...all, ...OPERATOR_OPERATIONS] as PublicOperation[])(
    '$id is valid by its contract',
    ({ id, input, output, example }) => {
      expect(parseInput(input, example.input)).toBeDefined();
      if (id === 'account.export_file') return expect(example.output).toBeUndefined();
      expect(output.parse(example.output)).toEqual(example.output);
    },
  );

  it.each(all)('$id is in the OpenAPI document, and valid by its schemas', (operation) => {
    const { parameters, requestBody, responses } = described(operation);
    const body = requestBody?.content['application/json'];
    if (body) expectValid(body.schema, body.example);
    const query = parameters.filter((parameter: Json) => 'example' in parameter);
    for (const { schema, example } of query) expectValid(schema, example);
    const shown = { ...body?.example, ...Object.fromEntries(query.map(({ name, example }: Json) => [name, example])) };
    expect(shown).toEqual(operation.example.input);

    const [media] = Object.values<Json>(responses[operation.http.statuses[0]].content);
    expect(media.example).toEqual(operation.example.output);
    if (operation.id !== 'account.export_file') expectValid(media.schema, media.example);
  });

  it.each(operations.filter(({ http }) => http.mediaType === undefined))(
    '$id has the fields of a real response',
    async ({ id, example }) => {
      const user = await node.newUser();
      const operationId = id as (typeof OPERATIONS)[number]['id'];
      const client = await clientOf(operationId, user);
      const { status, body } = await sendSample(client, await sampleCall(operationId, user));
      expect(status).toBeLessThan(300);
      const fields = (value: object) => Object.keys(value).filter((field) => !OPTIONAL[id]?.includes(field));
      expect(fields(example.output as object).sort()).toEqual(fields(body).sort());
    },
  );
});
