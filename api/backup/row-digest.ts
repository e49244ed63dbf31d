import { createHash } from 'node:crypto';

/** Number of rows of a table, and a checksum over them that does not depend on their order. */
export interface TableDigest {
  rows: number;
  /** Hexadecimal sum of the SHA-256 digests of the rows, modulo 2^256. */
  checksum: string;
}

const NEWLINE = 0x0a;
const MODULUS_BITS = 256;

/**
 * Computes the digest of a table from its rows as COPY writes them: one a line, with line breaks inside values escaped. Two tables
 * with the same rows have the same digest, in whatever order and pieces the rows arrive.
 */
export function createRowDigest(): { add(chunk: Buffer): void; result(): TableDigest } {
  let rest: Buffer[] = [];
  let rows = 0;
  let sum = 0n;
  const addRow = (line: Buffer) => {
    rows += 1;
    sum += BigInt(`0x${createHash('sha256').update(line).digest('hex')}`);
  };
  return {
    add(chunk) {
      let start = 0;
      for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, start)) {
        const line = chunk.subarray(start, end);
        addRow(rest.length > 0 ? Buffer.concat([...rest, line]) : line);
        rest = [];
        start = end + 1;
      }
      // Copied, because the stream may reuse its memory.
      if (start < chunk.length) rest.push(Buffer.from(chunk.subarray(start)));
    },
    result() {
      if (rest.length > 0) throw new Error('the rows of a table end in the middle of a row');
      return { rows, checksum: BigInt.asUintN(MODULUS_BITS, sum).toString(16).padStart(64, '0') };
    },
  };
}
