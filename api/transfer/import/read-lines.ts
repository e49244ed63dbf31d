import { setImmediate as nextTurn } from 'node:timers/promises';
import { parseJson } from '../../contracts/parse-json.ts';
import { decodeUtf8, isObject, type RawRecord, RECORD_BYTES_MAX, type Source, TOO_LONG } from './record.ts';

const NEWLINE = 10;

/** Reads JSON lines: one object a line. Blank lines are skipped; a line that is none is a record with an error. */
export async function* readJsonLines(source: Source): AsyncGenerator<RawRecord> {
  for await (const { line, bytes } of splitLines(source)) {
    if (bytes === undefined) {
      yield { line, error: TOO_LONG };
      continue;
    }
    const text = decodeUtf8(bytes);
    if (text === undefined) yield { line, error: 'is not UTF-8' };
    else if (text.trim() !== '') yield parseRecord(line, text);
  }
}

/** Parses the JSON text of a record. */
export function parseRecord(line: number, text: string, list?: string): RawRecord {
  try {
    const value = parseJson(text);
    return isObject(value) ? { line, value, ...(list && { list }) } : { line, error: 'must be a JSON object' };
  } catch {
    return { line, error: 'is not valid JSON' };
  }
}

/** Splits a source into lines. Of one that is longer than a record may be, the bytes are dropped as they arrive. */
async function* splitLines(source: Source): AsyncGenerator<{ line: number; bytes: Buffer | undefined }> {
  let line = 1;
  let parts: Buffer[] = [];
  let length = 0;
  const take = () => {
    const bytes = length > RECORD_BYTES_MAX ? undefined : Buffer.concat(parts);
    [parts, length] = [[], 0];
    return { line: line++, bytes };
  };
  const add = (part: Buffer) => {
    length += part.length;
    if (length > RECORD_BYTES_MAX) parts = [];
    else parts.push(part);
  };
  for await (const piece of source) {
    let start = 0;
    for (let end = piece.indexOf(NEWLINE); end >= 0; end = piece.indexOf(NEWLINE, start)) {
      if (end === start && length === 0) line++;
      else {
        add(piece.subarray(start, end));
        yield take();
      }
      start = end + 1;
    }
    add(piece.subarray(start));
    await nextTurn();
  }
  if (length > 0) yield take();
}
