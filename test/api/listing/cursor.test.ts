import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { decodeCursor, encodeCursor } from '../../../api/listing/cursor.ts';

describe('a cursor', () => {
  it('gives back the place it was made of, for the very same question', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.array(fc.oneof(fc.string(), fc.integer())), (question, place) => {
        fc.pre(!JSON.stringify(place).includes('\\u0000'));
        expect(decodeCursor(question, encodeCursor(question, place))).toEqual(place);
      }),
    );
  });

  it('fits into a URL as it is', () => {
    expect(encodeCursor({ q: 'ü?&=' }, ['ä/+?', 7])).toMatch(/^[A-Za-z0-9_-]+$/);
  });

  it.each([
    ['of another question', encodeCursor('other', ['a'])],
    ['with a place of another shape', encodeCursor('question', [7])],
    ['with a place too many', encodeCursor('question', ['a', 'b'])],
    ['without a place', encodeCursor('question', [])],
    ['that no database could compare', encodeCursor('question', ['a\0'])],
    ['of no JSON', 'nonsense'],
    ['of other JSON', Buffer.from('{"a":1}').toString('base64url')],
    ['of nothing', ''],
  ])('%s is refused by name', (_what, cursor) => {
    expect(() => decodeCursor('question', cursor, z.tuple([z.string()]))).toThrow(
      'cursor: is not a cursor of this list',
    );
  });
});
