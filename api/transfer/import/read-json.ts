import { setImmediate as nextTurn } from 'node:timers/promises';
import { parseRecord } from './read-lines.ts';
import { decodeUtf8, type RawRecord, RECORD_BYTES_MAX, type Source, TOO_LONG } from './record.ts';

const [NEWLINE, QUOTE, COMMA, BACKSLASH] = [10, 34, 44, 92];
const [OPEN_ARRAY, CLOSE_ARRAY, OPEN_OBJECT, CLOSE_OBJECT] = [91, 93, 123, 125];
const LIST_NAME_MAX = 100;

/**
 * Reads a JSON document: the elements of its list, or of each list that is a property of its object. It finds where elements start and
 * end without parsing the document, so that one of any size needs the memory of one element.
 */
export async function* readJsonDocument(source: Source): AsyncGenerator<RawRecord> {
  const scanner = new Scanner();
  for await (const piece of source) {
    yield* scanner.scan(piece);
    await nextTurn();
  }
  if (!scanner.isComplete()) yield { line: scanner.line, error: 'the JSON document ends too early' };
}

class Scanner {
  line = 1;
  private depth = 0;
  private isString = false;
  private isEscaped = false;
  private isRootList = false;
  /** Depth inside the list whose elements are records; 0 outside of one. */
  private listDepth = 0;
  private list = '';
  /** The last string of the root object: the name of the property that follows. */
  private name = '';
  /** Parts of the current element; undefined outside of one. */
  private parts: Buffer[] | undefined;
  private length = 0;
  private startLine = 1;

  isComplete(): boolean {
    return this.depth === 0 && !this.isString;
  }

  *scan(piece: Buffer): Generator<RawRecord> {
    let start = 0;
    const isBetween = () => this.listDepth > 0 && this.depth === this.listDepth;
    const begin = (index: number) => {
      if (!isBetween() || this.parts) return;
      [this.parts, this.length, this.startLine, start] = [[], 0, this.line, index];
    };
    for (let index = 0; index < piece.length; index++) {
      const byte = piece[index] as number;
      if (byte === NEWLINE) this.line++;
      if (this.isString) {
        this.readString(byte);
        continue;
      }
      switch (byte) {
        case QUOTE:
          begin(index);
          this.isString = true;
          if (this.depth === 1 && this.listDepth === 0) this.name = '';
          break;
        case OPEN_ARRAY:
        case OPEN_OBJECT:
          begin(index);
          this.open(byte);
          break;
        case CLOSE_ARRAY:
        case CLOSE_OBJECT:
          if (isBetween()) {
            if (this.parts) yield this.end(piece.subarray(start, index));
            this.listDepth = 0;
          }
          this.depth = Math.max(0, this.depth - 1);
          if (isBetween() && this.parts) yield this.end(piece.subarray(start, index + 1));
          break;
        case COMMA:
          if (isBetween() && this.parts) yield this.end(piece.subarray(start, index));
          break;
        default:
          if (byte > 32) begin(index);
      }
    }
    if (this.parts) this.add(piece.subarray(start));
  }

  private readString(byte: number): void {
    if (this.isEscaped) this.isEscaped = false;
    else if (byte === BACKSLASH) this.isEscaped = true;
    else if (byte === QUOTE) this.isString = false;
    else if (this.depth === 1 && this.listDepth === 0 && this.name.length < LIST_NAME_MAX) {
      this.name += String.fromCharCode(byte);
    }
  }

  private open(byte: number): void {
    this.depth++;
    if (this.depth === 1) this.isRootList = byte === OPEN_ARRAY;
    if (this.listDepth > 0 || byte !== OPEN_ARRAY) return;
    if (this.depth === 1) [this.listDepth, this.list] = [1, ''];
    if (this.depth === 2 && !this.isRootList) [this.listDepth, this.list] = [2, this.name];
  }

  private add(part: Buffer): void {
    this.length += part.length;
    if (this.length > RECORD_BYTES_MAX) this.parts = [];
    else this.parts?.push(part);
  }

  private end(part: Buffer): RawRecord {
    this.add(part);
    const [line, parts, isTooLong] = [this.startLine, this.parts ?? [], this.length > RECORD_BYTES_MAX];
    this.parts = undefined;
    if (isTooLong) return { line, error: TOO_LONG };
    const text = decodeUtf8(Buffer.concat(parts));
    return text === undefined ? { line, error: 'is not UTF-8' } : parseRecord(line, text, this.list);
  }
}
