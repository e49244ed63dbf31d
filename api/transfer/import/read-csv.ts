import { CsvError, parse } from 'csv-parse';
import { ImportFailure } from './failure.ts';
import { type RawRecord, RECORD_BYTES_MAX, type Source } from './record.ts';

const PIECE_BYTES = 65_536;
const COLUMNS_MAX = 1_000;

/** Why the rest of a file cannot be read, by the code of the parser. */
const REASONS: Record<string, string> = {
  CSV_QUOTE_NOT_CLOSED: 'a quotation mark is not closed; the rest of the file was not read',
  CSV_MAX_RECORD_SIZE: 'the record is too long; is a quotation mark not closed? The rest of the file was not read',
};

interface CsvRow {
  record: string[];
  /** The text of the record, behind the blank lines before it. */
  raw: string;
}

/**
 * Reads CSV whose first row names the columns. A record is a `Map` from column to value, so that a column may have any name; of columns
 * of the same name the first one counts. Empty values are left out.
 * @throws ImportFailure for a file that is not UTF-8, or has too many columns
 */
export async function* readCsv(source: Source, delimiter: string): AsyncGenerator<RawRecord> {
  let columns: string[] | undefined;
  let lines = 0;
  for await (const row of readRows(source, delimiter)) {
    if ('error' in row) {
      yield { line: lines + 1, error: row.error };
      return;
    }
    const line = lines + 1 + newlinesIn(/^\s*/.exec(row.raw)?.[0] ?? '');
    lines += newlinesIn(row.raw);
    if (columns) {
      yield { line, value: toMap(columns, row.record) };
      continue;
    }
    columns = row.record.map((name) => name.trim());
    if (columns.length > COLUMNS_MAX) throw new ImportFailure(`This CSV file has more than ${COLUMNS_MAX} columns.`);
  }
}

/** Yields the rows, and at the end the error that kept the rest from being read. Reads the source a piece at a time. */
async function* readRows(source: Source, delimiter: string): AsyncGenerator<CsvRow | { error: string }> {
  const rows: CsvRow[] = [];
  const parser = parse({
    delimiter,
    raw: true,
    relax_column_count: true,
    relax_quotes: true,
    skip_empty_lines: true,
    max_record_size: RECORD_BYTES_MAX,
    // Rows are taken here: those that the stream holds are lost when a later one has an error.
    on_record: (row: unknown) => {
      rows.push(row as CsvRow);
      return null;
    },
  });
  // The callbacks below receive it too.
  parser.on('error', () => undefined);
  const feed = (piece?: Buffer) =>
    new Promise<Error | null | undefined>((resolve) => {
      if (piece) parser.write(piece, resolve);
      else parser.end(resolve);
    });
  let error: Error | null | undefined;
  for await (const piece of utf8Pieces(source)) {
    error = await feed(piece);
    yield* rows.splice(0);
    if (error) break;
  }
  error ??= await feed();
  yield* rows.splice(0);
  const code = error instanceof CsvError ? error.code : undefined;
  if (error) yield { error: REASONS[code ?? ''] ?? 'is not valid CSV; the rest of the file was not read' };
}

function toMap(columns: readonly string[], record: readonly string[]): Map<string, string> {
  const values = new Map<string, string>();
  for (const [index, name] of columns.entries()) {
    const value = record[index];
    if (value !== undefined && value.trim() !== '' && !values.has(name)) values.set(name, value);
  }
  return values;
}

function newlinesIn(text: string): number {
  return text.match(/\r\n|\r|\n/g)?.length ?? 0;
}

/** Cuts the source into pieces that are parsed in one turn, and checks their encoding. */
async function* utf8Pieces(source: Source): AsyncGenerator<Buffer> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  const check = (bytes?: Buffer) => {
    try {
      decoder.decode(bytes, { stream: bytes !== undefined });
    } catch {
      throw new ImportFailure('This CSV file is not UTF-8. Export it as "CSV UTF-8".');
    }
  };
  for await (const piece of source) {
    for (let start = 0; start < piece.length; start += PIECE_BYTES) {
      const part = piece.subarray(start, start + PIECE_BYTES);
      check(part);
      yield part;
    }
  }
  check();
}
