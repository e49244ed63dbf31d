import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { parseInput } from '../../api/contracts/parse.ts';
import { Problem } from '../../api/errors.ts';

const schema = z.strictObject({
  text: z.string().min(2).max(3).optional(),
  count: z.int().min(1).max(9).optional(),
  on: z.boolean().optional(),
  list: z.array(z.string()).min(1).max(2).optional(),
  object: z.record(z.string(), z.unknown()).optional(),
  choice: z.enum(['one', 'two']).nullable().optional(),
  tier: z.literal([0, 1]).optional(),
  id: z.uuid().optional(),
  day: z.iso.date().optional(),
});

function messagesOf(parse: () => unknown): string[] {
  try {
    parse();
  } catch (error) {
    if (error instanceof Problem) return (error.data.errors ?? []).map(({ path, message }) => `${path}: ${message}`);
    throw error;
  }
  return [];
}

describe('parseInput', () => {
  it('reports a missing field as required', () => {
    const required = z.strictObject({ title: z.string(), type: z.enum(['a', 'b']), ids: z.array(z.string()) });
    expect(messagesOf(() => parseInput(required, {}))).toEqual(['title: required', 'type: required', 'ids: required']);
  });

  it.each([
    [{ text: 1 }, 'text: must be a string'],
    [{ text: 'x' }, 'text: must have at least 2 characters'],
    [{ text: 'xxxx' }, 'text: must have at most 3 characters'],
    [{ count: 'x' }, 'count: must be a number'],
    [{ count: 1.5 }, 'count: must be an integer'],
    [{ count: 0 }, 'count: must be at least 1'],
    [{ count: 10 }, 'count: must be at most 9'],
    [{ on: 'yes' }, 'on: must be true or false'],
    [{ list: 'x' }, 'list: must be an array'],
    [{ list: [] }, 'list: must have at least 1 item'],
    [{ list: ['a', 2] }, 'list.1: must be a string'],
    [{ object: [] }, 'object: must be an object'],
    [{ choice: 'three' }, 'choice: must be one of one, two'],
    [{ tier: 3 }, 'tier: must be one of 0, 1'],
    [{ id: 'x' }, 'id: must be a UUID'],
    [{ day: 'x' }, 'day: must be a date, such as 2026-11-02'],
    [{ strange: 1 }, 'strange: is not a known field'],
  ])('rejects %j with "%s"', (input, message) => {
    expect(messagesOf(() => parseInput(schema, input))).toEqual([message]);
  });
});
