import { describe, expect, it } from 'vitest';
import { describeError } from '../../../api/observability/describe-error.ts';

describe('described errors', () => {
  it('keep type, message, code and frames', () => {
    const described = describeError(Object.assign(new TypeError('x is not a function'), { code: 'ERR_X' }));
    expect(described).toMatchObject({ type: 'TypeError', message: 'x is not a function', code: 'ERR_X' });
    expect(described.stack).toMatch(/^TypeError: x is not a function\n\s+at /);
  });

  it('leave out what an error quotes, in its message, its stack and its causes', () => {
    const text = 'a sentence that a tenant wrote\nin two lines';
    let parse: unknown;
    try {
      JSON.parse(text);
    } catch (error) {
      parse = error;
    }
    const query = Object.assign(new Error(`value "${text}" is too long`, { cause: parse }), {
      detail: text,
      where: text,
    });
    const described = JSON.stringify(describeError(new Error(`failed for '${text}`, { cause: query })));
    expect(described).not.toContain('tenant');
    expect(described).not.toContain('two lines');
    expect(described).toContain('is too long');
    expect(described).toContain('a text could not be parsed');
  });

  it('are bounded, and describe what is not an error', () => {
    expect(describeError(new Error('m'.repeat(10_000))).message.length).toBeLessThan(400);
    expect(describeError('a thrown text')).toEqual({
      type: 'string',
      message: 'thrown value that is no error',
      stack: '',
    });
  });
});
