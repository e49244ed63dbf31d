import { describe, expect, it } from 'vitest';
import { findForbidden } from '../../support/logs.ts';

describe('search of the logs of a test run', () => {
  const line = (fields: object) => JSON.stringify({ level: 'info', msg: 'request', ...fields });

  it.each([
    ['an API key', { header: `Bearer wm_test_${'a'.repeat(32)}` }],
    ['a token', { path: `/login/${'aB3-_'.repeat(8)}xyz` }],
    ['an e-mail address', { to: 'someone@example.com' }],
  ])('finds %s', (name, fields) => {
    expect(findForbidden([line(fields)], [])).toEqual([`${name}: ${line(fields)}`]);
  });

  it('finds a text that was sent, also with quotes and line breaks', () => {
    const text = 'We said "Fridays",\nthen changed it.';
    expect(findForbidden([line({ err: { message: `bad value ${text}` } })], [text])).toHaveLength(1);
  });

  it('accepts lines with ids, versions, packages and durations', () => {
    const stack = 'at run (node_modules/@huggingface/tokenizers/dist/index.js:1:2)';
    const fields = { user_id: '019ad9a0-0000-7000-8000-000000000001', duration_ms: 1.5, err: { stack } };
    expect(findForbidden([line(fields)], ['A text of a memory.'])).toEqual([]);
  });
});
