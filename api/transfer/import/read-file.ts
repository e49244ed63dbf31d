import type { ImportFormat, MappedField } from '../../contracts/import.ts';
import type { Format } from './draft.ts';
import { ImportFailure } from './failure.ts';
import { FORMATS, formatOf } from './formats/index.ts';
import { fieldOfColumn } from './formats/table.ts';
import { inflate, peek } from './inflate.ts';
import { readCsv } from './read-csv.ts';
import { readJsonDocument } from './read-json.ts';
import { readJsonLines } from './read-lines.ts';
import { decodeUtf8, isObject, type RawRecord, RECORD_BYTES_MAX, type Source, TOO_LONG } from './record.ts';

/** Bytes by which a format is detected. */
const HEAD_BYTES = 262_144;
/** Records of the head that are compared with each format. */
const SAMPLES = 20;
const DELIMITERS = [',', ';', '\t'] as const;
/** The start of an object that is a list with some paging around it. */
const LIST_DOCUMENT = /^\{\s*"\w+"\s*:\s*\[\s*\{/;

/** Options that say how to read a file. */
export interface ReadOptions {
  format: ImportFormat | 'auto';
  mapping?: Partial<Record<MappedField, string>> | undefined;
  /** Name of the file: the path of a single Markdown file. */
  name: string;
  /** Bytes of the upload. */
  bytes: number;
}

/** A file that is being read. */
export interface OpenFile {
  format: Format;
  records: AsyncIterable<RawRecord>;
}

/**
 * Detects the format of a file by its content and reads its records, as a stream.
 * @throws ImportFailure for a file of no known format
 */
export async function openFile(source: Source, options: ReadOptions): Promise<OpenFile> {
  const { head, all } = await peek(inflate(source, options.bytes), HEAD_BYTES);
  const text = head.toString('utf8');
  if (head.length < HEAD_BYTES && text.trim() === '') throw new ImportFailure('The file is empty.');
  const isJson = options.format === 'auto' ? /^\s*[[{]/.test(text) : !['csv', 'markdown'].includes(options.format);
  if (isJson || (options.format === 'markdown' && /^\s*\{"/.test(text))) return openJson(head, all, options);
  const delimiter = delimiterOf(text);
  if (options.format === 'csv' || (options.format === 'auto' && isCsv(text, delimiter, options.mapping))) {
    return { format: formatOf('csv'), records: readCsv(all, delimiter) };
  }
  if (text.includes('\0') || decodeUtf8(completeHead(head)) === undefined) {
    throw new ImportFailure('The format is not known: this is no text file.');
  }
  return { format: formatOf('markdown'), records: readWhole(all, options.name) };
}

async function openJson(head: Buffer, all: Source, options: ReadOptions): Promise<OpenFile> {
  const read = isDocument(head.toString('utf8')) ? readJsonDocument : readJsonLines;
  const format = options.format === 'auto' ? await detect(read(oneOf(head))) : formatOf(options.format);
  return { format, records: read(all) };
}

/** Returns whether a text is one JSON document, rather than one object a line. */
function isDocument(text: string): boolean {
  const start = text.trimStart();
  if (start.startsWith('[')) return true;
  const end = start.indexOf('\n');
  const [first, rest] = end < 0 ? [start, ''] : [start.slice(0, end), start.slice(end).trim()];
  if (rest.startsWith('{') && isJson(first)) return false;
  if (LIST_DOCUMENT.test(start)) return true;
  if (end < 0 || isJson(first)) return hasList(first);
  return true;
}

/** Returns whether a JSON text is an object with a list of objects, such as a response of an API on one line. */
function hasList(text: string): boolean {
  if (!isJson(text)) return false;
  const values = Object.values(JSON.parse(text) as object);
  return values.some((value) => Array.isArray(value) && value.length > 0 && isObject(value[0]));
}

function isJson(text: string): boolean {
  try {
    return isObject(JSON.parse(text));
  } catch {
    return false;
  }
}

/** Returns the first format that one of the first records looks like. The last of all formats takes any. */
async function detect(records: AsyncIterable<RawRecord>): Promise<Format> {
  const samples: Extract<RawRecord, { value: unknown }>[] = [];
  for await (const record of records) {
    if ('value' in record && isObject(record.value)) samples.push(record);
    if (samples.length === SAMPLES) break;
  }
  const matches = (format: Format) => samples.some(({ value, list }) => format.matches(value as object as never, list));
  return FORMATS.find(matches) ?? formatOf('jsonl');
}

async function* oneOf(head: Buffer): AsyncGenerator<Buffer> {
  yield head;
}

function delimiterOf(text: string): string {
  const [header = ''] = text.split(/\r?\n/, 1);
  const count = (delimiter: string) => header.split(delimiter).length;
  return [...DELIMITERS].sort((one, other) => count(other) - count(one))[0] as string;
}

/** Returns whether the first line names columns, one of them of the text. */
function isCsv(text: string, delimiter: string, mapping: ReadOptions['mapping']): boolean {
  const [header = ''] = text.split(/\r?\n/, 1);
  const columns = header.split(delimiter).map((column) => column.trim().replace(/^"(.*)"$/, '$1'));
  if (mapping) return mapping.content !== undefined && columns.includes(mapping.content);
  return (
    columns.every((column) => column.length <= 100) && columns.some((column) => fieldOfColumn(column) === 'content')
  );
}

/** Drops a character that the end of the head cuts. */
function completeHead(head: Buffer): Buffer {
  if (head.length < HEAD_BYTES) return head;
  return head.subarray(0, head.lastIndexOf(0x20, head.length - 1) + 1 || head.length - 4);
}

/** Reads a text file as one record. */
async function* readWhole(source: Source, path: string): AsyncGenerator<RawRecord> {
  const parts: Buffer[] = [];
  let length = 0;
  for await (const piece of source) {
    length += piece.length;
    if (length > RECORD_BYTES_MAX) return yield { line: 1, error: TOO_LONG };
    parts.push(piece);
  }
  const content = decodeUtf8(Buffer.concat(parts));
  yield content === undefined ? { line: 1, error: 'is not UTF-8' } : { line: 1, value: { path, content } };
}
