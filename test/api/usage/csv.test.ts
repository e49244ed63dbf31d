import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatCsv } from '../../../api/usage/csv.ts';

describe('CSV', () => {
  it('ends each row with CRLF and quotes where needed (RFC 4180)', () => {
    const rows = [
      ['day', 'calls'],
      ['a,b', 1],
      ['say "hi"', 2.5],
      ['two\nlines', -3],
      ['', 0],
    ];
    expect(formatCsv(rows)).toBe('day,calls\r\n"a,b",1\r\n"say ""hi""",2.5\r\n"two\nlines",-3\r\n,0\r\n');
  });

  it.each(['=1+1', '+1', '-1', '@SUM(A1)', '\t=1', '\r=1'])(
    'prefixes %j, so that no spreadsheet runs it as a formula',
    (text) => {
      expect(formatCsv([[text]]).replaceAll('"', '')).toBe(`'${text}\r\n`);
    },
  );

  it('parses back to the same rows for any text', () => {
    const text = fc.string({ unit: 'binary' }).filter((value) => !/^[=+\-@\t\r]/.test(value));
    fc.assert(
      fc.property(fc.array(fc.array(text, { minLength: 2, maxLength: 4 }), { minLength: 1 }), (rows) => {
        expect(parse(formatCsv(rows))).toEqual(rows);
      }),
    );
  });
});

/** Parses CSV by RFC 4180, section 2. */
function parse(text: string): string[][] {
  const rows: string[][] = [];
  let row: string[] = [];
  const field = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n)/gy;
  for (let match = field.exec(text); match; match = field.exec(text)) {
    row.push(match[1]?.replaceAll('""', '"') ?? match[2] ?? '');
    if (match[3] === '\r\n') {
      rows.push(row);
      row = [];
    }
  }
  return rows;
}
