/** A file of an archive. */
export interface TarFile {
  /** Path in the archive, of at most 100 bytes. */
  path: string;
  content: Buffer;
  isExecutable?: boolean;
}

const BLOCK = 512;

/** Packs files as a tar archive (POSIX ustar). Owner and time are left out, so that equal files make an equal archive. */
export function tar(files: readonly TarFile[]): Buffer {
  const parts = files.flatMap((file) => [header(file), file.content, Buffer.alloc(padding(file.content.length))]);
  return Buffer.concat([...parts, Buffer.alloc(2 * BLOCK)]);
}

function padding(bytes: number): number {
  return (BLOCK - (bytes % BLOCK)) % BLOCK;
}

function header({ path, content, isExecutable }: TarFile): Buffer {
  const block = Buffer.alloc(BLOCK);
  const field = (offset: number, bytes: number, value: string) => block.write(value, offset, bytes, 'latin1');
  const octal = (offset: number, bytes: number, value: number) =>
    field(offset, bytes, `${value.toString(8).padStart(bytes - 1, '0')}\0`);
  field(0, 100, path);
  octal(100, 8, isExecutable ? 0o755 : 0o644);
  octal(108, 8, 0);
  octal(116, 8, 0);
  octal(124, 12, content.length);
  octal(136, 12, 0);
  field(156, 1, '0');
  field(257, 8, 'ustar\x0000');
  // The sum is taken with blanks in its own place.
  field(148, 8, ' '.repeat(8));
  const sum = block.reduce((total, byte) => total + byte, 0);
  field(148, 8, `${sum.toString(8).padStart(6, '0')}\0 `);
  return block;
}
