import { isUtf8 } from 'node:buffer';

/** One line of input: its text, or the reason why it cannot be read and its request id if that was found. */
export type Line = { text: string } | { error: 'too_long' | 'not_utf8'; id: string | number | null };

const LF = 0x0a;
/** Bytes kept of either end of a line beyond the limit: enough to find its id. */
const keptEndBytes = 512;

/**
 * Splits a byte stream at LF and drops a CR before it. `node:readline` would also split at U+2028, which may occur
 * unescaped in a JSON string.
 */
export class LineSplitter {
  readonly #bytesMax: number;
  readonly #onLine: (line: Line) => void;
  #parts: Buffer[] = [];
  #bytes = 0;

  constructor(bytesMax: number, onLine: (line: Line) => void) {
    this.#bytesMax = bytesMax;
    this.#onLine = onLine;
  }

  push(chunk: Buffer): void {
    let from = 0;
    for (let at = chunk.indexOf(LF); at !== -1; at = chunk.indexOf(LF, from)) {
      this.#keep(chunk.subarray(from, at));
      this.#emit();
      from = at + 1;
    }
    this.#keep(chunk.subarray(from));
  }

  /** Ends the stream: bytes after the last line end are a line too. */
  end(): void {
    if (this.#bytes > 0) this.#emit();
  }

  #keep(piece: Buffer): void {
    if (piece.length === 0) return;
    this.#bytes += piece.length;
    this.#parts.push(piece);
    if (this.#bytes > this.#bytesMax) this.#parts = twoEnds(Buffer.concat(this.#parts));
  }

  #emit(): void {
    const line = this.#parts.length === 1 && this.#parts[0] ? this.#parts[0] : Buffer.concat(this.#parts);
    const tooLong = this.#bytes > this.#bytesMax;
    this.#parts = [];
    this.#bytes = 0;
    if (tooLong) this.#onLine({ error: 'too_long', id: idAtAnEnd(line.toString('latin1')) });
    else if (!isUtf8(line)) this.#onLine({ error: 'not_utf8', id: idAtAnEnd(line.toString('latin1')) });
    else this.#onLine({ text: line.toString('utf8').replace(/\r$/, '') });
  }
}

/** Copies both ends, so that the large buffer can be freed. */
function twoEnds(line: Buffer): Buffer[] {
  if (line.length <= 2 * keptEndBytes) return [line];
  return [Buffer.from(line.subarray(0, keptEndBytes)), Buffer.from(line.subarray(-keptEndBytes))];
}

/**
 * Finds the id of a message that is not parsed. Clients write it first or last, and only there it certainly belongs to
 * the message itself: right after the opening brace (and `jsonrpc`), or right before the closing one.
 */
function idAtAnEnd(line: string): string | number | null {
  const id = /"id"\s*:\s*(-?\d{1,15}|"[\x20\x21\x23-\x5b\x5d-\x7e]{1,200}")/.source;
  const found =
    new RegExp(`^\\s*\\{\\s*(?:"jsonrpc"\\s*:\\s*"2\\.0"\\s*,\\s*)?${id}\\s*,`).exec(line) ??
    new RegExp(`,\\s*${id}\\s*\\}\\s*$`).exec(line);
  return found?.[1] ? (JSON.parse(found[1]) as string | number) : null;
}
