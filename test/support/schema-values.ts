import fc, { type Arbitrary } from 'fast-check';
import type { Json } from './client.ts';

/** Values that break careless programs: wrong types, extremes, control characters, lone surrogates, prototypes. */
const HOSTILE: Arbitrary<unknown> = fc.constantFrom<unknown>(
  null,
  true,
  0,
  -1,
  1.5,
  1e308,
  Number.MAX_SAFE_INTEGER + 2,
  '',
  ' ',
  '\u0000',
  '\ud800',
  '\u202e\u0301',
  "'; drop table memories; --",
  '%00%ff',
  '../../etc/passwd',
  '{{7*7}}',
  'x'.repeat(20_000),
  '2026-02-30T00:00:00Z',
  '9999-12-31T23:59:60Z',
  [],
  [[[[]]]],
  {},
  { __proto__: null, constructor: { prototype: {} } },
);

/**
 * Returns values for a JSON schema: mostly of its types and within its bounds, some hostile, so that both the checks of an input and the
 * work behind them are reached.
 * @param depth levels of objects and arrays that are still filled
 */
export function valuesOf(schema: Json, document: Json, depth = 3): Arbitrary<unknown> {
  const fitting = fittingValuesOf(schema, document, depth);
  return fc.oneof({ weight: 12, arbitrary: fitting }, { weight: 1, arbitrary: HOSTILE });
}

function fittingValuesOf(schema: Json, document: Json, depth: number): Arbitrary<unknown> {
  const of = (inner: Json) => valuesOf(inner, document, depth - 1);
  if (schema === true || schema === undefined) return fc.jsonValue({ maxDepth: 1 });
  if (schema.$ref) return fittingValuesOf(resolve(schema.$ref, document), document, depth);
  if (schema.const !== undefined) return fc.constant(schema.const);
  if (schema.enum) return fc.constantFrom(...schema.enum);
  const union = schema.anyOf ?? schema.oneOf;
  if (union) return fc.oneof(...union.map((one: Json) => fittingValuesOf(one, document, depth)));
  const type = Array.isArray(schema.type) ? schema.type[0] : schema.type;
  if (type === 'object') return depth <= 0 ? fc.constant({}) : objectsOf(schema, of);
  if (type === 'array') return depth <= 0 ? fc.constant([]) : fc.array(of(schema.items), { maxLength: 3 });
  if (type === 'integer' || type === 'number') {
    const [min, max] = [Math.ceil(schema.minimum ?? 0), Math.floor(schema.maximum ?? 1_000)];
    return fc.integer({ min, max: Math.max(min, Math.min(max, min + 1_000)) });
  }
  if (type === 'boolean') return fc.boolean();
  if (type === 'null') return fc.constant(null);
  return textsOf(schema);
}

function objectsOf({ properties = {}, required = [] }: Json, of: (schema: Json) => Arbitrary<unknown>) {
  const fields = Object.fromEntries(Object.entries(properties).map(([name, schema]) => [name, of(schema)]));
  return fc.record(fields, { requiredKeys: required.filter((name: string) => name in fields) });
}

function textsOf({ format, minLength = 0, maxLength = 40 }: Json): Arbitrary<string> {
  if (format === 'uuid') return fc.uuid({ version: 7 });
  if (format === 'date-time') return fc.date({ noInvalidDate: true }).map((date) => date.toISOString());
  if (format === 'uri') return fc.constant('https://example.com/hook');
  const bounds = { minLength, maxLength: Math.max(minLength, Math.min(maxLength, 40)) };
  return fc.oneof(fc.string({ ...bounds, unit: 'grapheme' }), fc.constantFrom('note', 'project:api', '-a OR "b'));
}

function resolve(reference: string, document: Json): Json {
  const parts = reference.slice(2).split('/');
  return parts.reduce((at, part) => at[part.replaceAll('~1', '/').replaceAll('~0', '~')], document);
}
