import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { expect } from 'vitest';
import type { Operation } from '../../api/contracts/operation.ts';
import type { ApiResponse, Json } from './client.ts';

/** Validates responses against the service's OpenAPI document. */
export interface ResponseCheck {
  document: Json;
  /** Fails unless the document declares the status for the operation, and the response matches its schema. */
  check(operation: Pick<Operation, 'id' | 'http'>, response: ApiResponse<Json>): void;
}

const PROBLEM_FIELDS = ['code', 'detail', 'errors', 'request_id', 'status', 'title', 'type'];

/** Fails unless the response is an RFC 9457 problem with this status and code. */
export function expectProblem(response: ApiResponse<Json>, status: number, code?: string): void {
  expect(response.status, response.text).toBe(status);
  // Over MCP the problem is in a JSON-RPC error.
  const isRpc = response.body.jsonrpc === '2.0';
  const type = isRpc ? /^application\/json/ : /^application\/problem\+json(; charset=utf-8)?$/;
  expect(response.headers.get('content-type')).toMatch(type);
  const body = isRpc ? response.body.error.data : response.body;
  for (const field of PROBLEM_FIELDS) expect(body, field).toHaveProperty(field);
  expect(body.status).toBe(status);
  expect(body.request_id).toBe(response.headers.get('x-request-id'));
  expect(URL.canParse(body.type)).toBe(true);
  for (const text of [body.title, body.detail]) expect(text).toMatch(/\S/);
  for (const error of body.errors) {
    expect(Object.keys(error).toSorted()).toEqual(['message', 'path']);
    expect(error.message).toMatch(/\S/);
  }
  if (code) expect(body.code).toBe(code);
}

export async function loadOpenApi(url: string): Promise<ResponseCheck> {
  const document: Json = await (await fetch(`${url}/openapi.json`)).json();
  const ajv = addFormats.default(new Ajv2020({ strict: false, allErrors: true }));
  ajv.addSchema(document, 'openapi');
  const pointer = (parts: string[]) => parts.map((part) => part.replaceAll('~', '~0').replaceAll('/', '~1')).join('/');
  return {
    document,
    check({ id, http: { method, path } }, response) {
      const responses = document.paths[`/api/v1${path}`][method.toLowerCase()].responses;
      expect(Object.keys(responses), `${id} returned ${response.status}: ${response.text}`).toContain(
        String(response.status),
      );
      expect(response.headers.get('x-request-id')).toMatch(/^[A-Za-z0-9._-]{8,100}$/);
      const [type] = Object.keys(responses[response.status].content);
      expect(response.headers.get('content-type')?.split(';')[0]).toBe(type);
      const pointerParts = [
        'paths',
        `/api/v1${path}`,
        method.toLowerCase(),
        'responses',
        String(response.status),
        'content',
      ];
      const $ref = `openapi#/${pointer([...pointerParts, type as string, 'schema'])}`;
      const validate = ajv.getSchema($ref) ?? ajv.compile({ $ref });
      validate(type?.includes('json') ? response.body : response.text);
      expect(validate.errors ?? [], `${id} ${response.status}: ${response.text.slice(0, 500)}`).toEqual([]);
      if (response.status >= 400) expectProblem(response, response.status);
    },
  };
}
