import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { decodeCursor, encodeCursor } from '../../../api/listing/cursor.ts';

describe('cursor', () => {
  it('decodes to the position it was made of, for the same query', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.array(fc.oneof(fc.string(), fc.integer())), (query, position) => {
        fc.pre(!JSON.stringify(position).includes('\\u0000'));
        expect(decodeCursor(query, encodeCursor(query, position))).toEqual(position);
      }),
    );
  });

  it('needs no escaping in a URL', () => {
    expect(encodeCursor({ q: 'ü?&=' }, ['ä/+?', 7])).toMatch(/^[A-Za-z0-9_-]+$/);
  });

  it.each([
    ['of another query', encodeCursor('other', ['a'])],
    ['with a position of another shape', encodeCursor('query', [7])],
    ['with an extra value', encodeCursor('query', ['a', 'b'])],
    ['without a position', encodeCursor('query', [])],
    ['with NUL', encodeCursor('query', ['a\0'])],
    ['that is not JSON', 'nonsense'],
    ['of other JSON', Buffer.from('{"a":1}').toString('base64url')],
    ['that is empty', ''],
  ])('%s is rejected', (_name, cursor) => {
    expect(() => decodeCursor('query', cursor, z.tuple([z.string()]))).toThrow('cursor: is not a cursor of this list');
  });
});
