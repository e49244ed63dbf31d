import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { type JsonSchema, jsonSchema } from '../../api/contracts/json-schema.ts';
import { normalizeArguments, portableSchema } from '../../mcp/arguments.ts';

const contract = z.strictObject({
  query: z.string(),
  tags: z.array(z.string()).optional(),
  limit: z.int().min(1).max(200).default(10),
  min_age_days: z.number().optional(),
  tier: z.literal([0, 1, 2]).optional(),
  dry_run: z.boolean().default(true),
  metadata: z.record(z.string(), z.unknown()).optional(),
  project: z.string().nullable().optional().meta({ description: 'Null: of no project. "*": of any.' }),
  supersedes: z.uuid().nullable().optional(),
  type: z.enum(['short_term', 'long_term']).nullable().optional(),
  filter: z.strictObject({ project: z.string().nullable().optional(), ids: z.array(z.uuid()).optional() }).optional(),
});
const schema = jsonSchema(contract, 'input');

const normalize = (input: Record<string, unknown>) => normalizeArguments(schema, input);

describe('normalizeArguments', () => {
  it.each([
    ['null for an optional is left out', { tags: null, project: null, tier: null }, {}],
    ['null for a required argument is left out too', { query: null }, {}],
    ['an empty string for an optional is left out', { project: '', tags: '', limit: '', supersedes: '' }, {}],
    ['an empty string for a required argument stays', { query: '' }, { query: '' }],
    ['a JSON array', { tags: '["a","b"]' }, { tags: ['a', 'b'] }],
    ['a JSON object', { metadata: ' {"a": null} ' }, { metadata: { a: null } }],
    ['a JSON integer', { limit: '5', tier: '2' }, { limit: 5, tier: 2 }],
    ['a JSON number', { min_age_days: '1.5' }, { min_age_days: 1.5 }],
    ['a JSON boolean', { dry_run: 'false' }, { dry_run: false }],
    ['a boolean of Python', { dry_run: 'False' }, { dry_run: false }],
    ['a JSON null', { tags: 'null', limit: 'null' }, {}],
    ['a string that is no JSON stays', { tags: 'ops', limit: 'many' }, { tags: 'ops', limit: 'many' }],
    [
      'JSON of another type stays',
      { tags: '{"a":1}', limit: '[5]', dry_run: '1' },
      { tags: '{"a":1}', limit: '[5]', dry_run: '1' },
    ],
    ['JSON where a string is due stays', { query: '["a"]', project: '5' }, { query: '["a"]', project: '5' }],
    ['null items are left out', { tags: ['a', null] }, { tags: ['a'] }],
    [
      '"none" is null where the contract has null',
      { project: 'none', query: 'none' },
      { project: null, query: 'none' },
    ],
    ['nested arguments', { filter: '{"project": "none", "ids": null}' }, { filter: { project: null } }],
    ['metadata is not touched', { metadata: { a: null, b: '', c: '[1]' } }, { metadata: { a: null, b: '', c: '[1]' } }],
  ])('%s', (_name, input, expected) => {
    expect(normalize(input)).toEqual({ input: expected, ignored: [] });
  });

  it('does not round large integers in a JSON string, so that the contract rejects them', () => {
    expect(normalize({ query: 'q', metadata: '{"n": 12345678901234567890}' }).input.metadata).toEqual({
      n: 12345678901234567890n,
    });
  });

  it('drops unknown arguments and names them, nested ones by path', () => {
    const input = {
      query: 'q',
      tag: 'ops',
      toString: 1,
      filter: { colour: 'red' },
      ...JSON.parse('{"__proto__": {}}'),
    };
    const normalized = normalize(input);
    expect(normalized.input).toEqual({ query: 'q', filter: {} });
    expect(normalized.ignored).toEqual(['tag', 'toString', 'filter.colour', '__proto__']);
  });
});

describe('portableSchema', () => {
  const properties = portableSchema(schema).properties as Record<string, JsonSchema>;

  it('replaces type unions with null by the type, and null in the description by "none"', () => {
    expect(properties.project).toEqual({ type: 'string', description: '"none": of no project. "*": of any.' });
    expect(properties.type).toEqual({ type: 'string', enum: ['short_term', 'long_term'] });
    expect(properties.filter?.properties?.project).toEqual({ type: 'string' });
  });

  it('drops the format of nullable fields, for which "none" is valid', () => {
    expect(properties.supersedes).toEqual({ type: 'string' });
  });

  it('replaces integer enums by bounds', () => {
    expect(properties.tier).toEqual({ type: 'integer', minimum: 0, maximum: 2 });
  });
});
