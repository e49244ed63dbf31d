import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { expect } from 'vitest';
import type { Operation } from '../../api/contracts/operation.ts';
import type { Answer, Json } from './client.ts';

/** Holds answers against the document that the service itself gives out. */
export interface AnswerCheck {
  document: Json;
  /** Fails unless the document has this status for the operation, and the answer is what it says there. */
  check(operation: Pick<Operation, 'id' | 'http'>, answer: Answer<Json>): void;
}

const PROBLEM_FIELDS = ['code', 'detail', 'errors', 'request_id', 'status', 'title', 'type'];

/** Fails unless the answer is a refusal in the one error shape. */
export function expectProblem(answer: Answer<Json>, status: number, code?: string): void {
  expect(answer.status, answer.text).toBe(status);
  expect(answer.headers.get('content-type')).toMatch(/^application\/problem\+json(; charset=utf-8)?$/);
  const { body } = answer;
  for (const field of PROBLEM_FIELDS) expect(body, field).toHaveProperty(field);
  expect(body.status).toBe(status);
  expect(body.request_id).toBe(answer.headers.get('x-request-id'));
  expect(URL.canParse(body.type)).toBe(true);
  for (const text of [body.title, body.detail]) expect(text).toMatch(/\S/);
  for (const error of body.errors) {
    expect(Object.keys(error).toSorted()).toEqual(['message', 'path']);
    expect(error.message).toMatch(/\S/);
  }
  if (code) expect(body.code).toBe(code);
}

export async function loadOpenApi(url: string): Promise<AnswerCheck> {
  const document: Json = await (await fetch(`${url}/openapi.json`)).json();
  const ajv = addFormats.default(new Ajv2020({ strict: false, allErrors: true }));
  ajv.addSchema(document, 'openapi');
  const pointer = (parts: string[]) => parts.map((part) => part.replaceAll('~', '~0').replaceAll('/', '~1')).join('/');
  return {
    document,
    check({ id, http: { method, path } }, answer) {
      const responses = document.paths[`/api/v1${path}`][method.toLowerCase()].responses;
      expect(Object.keys(responses), `${id} answers ${answer.status}: ${answer.text}`).toContain(String(answer.status));
      expect(answer.headers.get('x-request-id')).toMatch(/^[A-Za-z0-9._-]{8,100}$/);
      const [type] = Object.keys(responses[answer.status].content);
      expect(answer.headers.get('content-type')?.split(';')[0]).toBe(type);
      const place = ['paths', `/api/v1${path}`, method.toLowerCase(), 'responses', String(answer.status), 'content'];
      const $ref = `openapi#/${pointer([...place, type as string, 'schema'])}`;
      const validate = ajv.getSchema($ref) ?? ajv.compile({ $ref });
      validate(type?.includes('json') ? answer.body : answer.text);
      expect(validate.errors ?? [], `${id} ${answer.status}: ${answer.text.slice(0, 500)}`).toEqual([]);
      if (answer.status >= 400) expectProblem(answer, answer.status);
    },
  };
}
