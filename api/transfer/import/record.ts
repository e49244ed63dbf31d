/** Largest record, in bytes: a memory of a megabyte whose every character is escaped. */
export const RECORD_BYTES_MAX = 8_388_608;

/** A record of a file before its format is applied, or why it cannot be read. `line` is that of its start, from 1. */
export type RawRecord =
  | {
      line: number;
      value: unknown;
      /** Name of the list that holds it, in a JSON document. */
      list?: string;
    }
  | { line: number; error: string };

/** Pieces of a file, in order. */
export type Source = AsyncIterable<Buffer>;

export const TOO_LONG = `is longer than ${RECORD_BYTES_MAX / 1_048_576} MiB`;

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Decodes UTF-8; undefined for bytes that are none. */
export function decodeUtf8(bytes: Buffer): string | undefined {
  try {
    return utf8.decode(bytes);
  } catch {
    return undefined;
  }
}

/** Returns whether a value is a JSON object. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
