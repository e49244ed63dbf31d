import type { z } from 'zod';

const TYPE_NAMES: Record<string, string> = {
  string: 'a string',
  number: 'a number',
  int: 'an integer',
  boolean: 'true or false',
  array: 'an array',
  object: 'an object',
  record: 'an object',
};

const FORMAT_NAMES: Record<string, string> = {
  uuid: 'a UUID',
  date: 'a date, such as 2026-11-02',
  datetime: 'an ISO 8601 date-time in UTC, such as 2026-11-02T09:45:30Z',
  email: 'an e-mail address',
  url: 'a URL',
};

/**
 * Replaces zod's texts: a message reads on after the name of its field, as in "title: required". A text that a schema
 * states itself takes precedence.
 */
export function issueMessage(issue: z.core.$ZodRawIssue): string {
  switch (issue.code) {
    case 'invalid_type':
      return issue.input === undefined ? 'required' : `must be ${TYPE_NAMES[issue.expected] ?? issue.expected}`;
    case 'invalid_value':
      if (issue.input === undefined) return 'required';
      return issue.values.length === 1
        ? `must be ${String(issue.values[0])}`
        : `must be one of ${issue.values.map(String).join(', ')}`;
    case 'invalid_format':
      return `must be ${FORMAT_NAMES[issue.format] ?? `a valid ${issue.format}`}`;
    case 'too_small':
      return bound('at least', issue.origin, issue.minimum);
    case 'too_big':
      return bound('at most', issue.origin, issue.maximum);
    case 'unrecognized_keys':
      return 'is not a known field';
    default:
      return 'is not valid';
  }
}

function bound(relation: 'at least' | 'at most', origin: string, value: number | bigint): string {
  if (origin === 'string') return `must have ${relation} ${counted(value, 'character')}`;
  if (origin === 'array' || origin === 'set') return `must have ${relation} ${counted(value, 'item')}`;
  return `must be ${relation} ${value}`;
}

function counted(value: number | bigint, unit: string): string {
  return `${value} ${unit}${Number(value) === 1 ? '' : 's'}`;
}
