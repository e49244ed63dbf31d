import fc, { type Arbitrary } from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { OPERATIONS } from '../../api/contracts/index.ts';
import type { Json } from '../support/client.ts';
import { loadOpenApi, type ResponseCheck } from '../support/openapi.ts';
import { valuesOf } from '../support/schema-values.ts';
import { startTestService, type TestService } from '../support/service.ts';

const RUNS = 8;

let node: TestService;
let openApi: ResponseCheck;

beforeAll(async () => {
  node = await startTestService();
  openApi = await loadOpenApi(node.url);
});
afterAll(() => node.stop());

interface FuzzedCall {
  path: Record<string, unknown>;
  query: Record<string, unknown>;
  body: unknown;
}

/** Returns calls of an operation that is documented in the OpenAPI document. */
function callsOf({ parameters = [], requestBody }: Json, document: Json): Arbitrary<FuzzedCall> {
  const valuesIn = (place: string, isRequired: boolean) => {
    const inPlace = parameters.filter((parameter: Json) => parameter.in === place);
    const fields = inPlace.map(({ name, schema }: Json) => [name, valuesOf(schema, document)]);
    const record: Record<string, Arbitrary<unknown>> = Object.fromEntries(fields);
    return fc.record(record, { requiredKeys: isRequired ? Object.keys(record) : [] });
  };
  const bodySchema = requestBody?.content['application/json']?.schema;
  const body = bodySchema ? valuesOf(bodySchema, document, 4) : fc.constant(undefined);
  return fc.record({ path: valuesIn('path', true), query: valuesIn('query', false), body });
}

/** A value as it stands in a URL; a lone surrogate cannot. */
function inUrl(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return encodeURIComponent(text.toWellFormed());
}

/** A value as a segment of a path: an empty one, `.` and `..` lead to another path (URL Standard, section 4.4). */
function inPath(value: unknown): string {
  const segment = inUrl(value);
  return ['', '.', '..'].includes(segment) ? 'none' : segment;
}

describe('any call of an operation', () => {
  it.each(OPERATIONS.map((operation) => [operation.id, operation] as const))(
    '%s has a documented status, and a response that matches its schema',
    async (_id, operation) => {
      const { method, path } = operation.http;
      const { document } = openApi;
      const documented = document.paths[`/api/v1${path}`][method.toLowerCase()];
      const user = await node.newUser();
      await fc.assert(
        fc.asyncProperty(callsOf(documented, document), async (call) => {
          const filled = path.replace(/\{(\w+)\}/g, (_, name: string) => inPath(call.path[name]));
          const query = Object.entries(call.query).map(([name, value]) => `${name}=${inUrl(value)}`);
          const url = query.length > 0 ? `${filled}?${query.join('&')}` : filled;
          const response = await user.api.request(method, url, call.body);
          expect(response.status, `${method} ${url}: ${response.text}`).toBeLessThan(500);
          openApi.check(operation, response);
        }),
        { numRuns: RUNS },
      );
    },
  );
});
