import { call, type InputOf } from '../../api/client.ts';

/** Bytes of a part of an upload. */
const PART_BYTES = 524_288;
const TEXT_FILE = /\.(md|mdc|markdown|txt)$/i;

/** Options of an import beside its file. */
export type ImportOptions = Pick<InputOf<'imports.start'>, 'format' | 'project' | 'mapping'>;

/**
 * Uploads files as one import and has it checked. Several files, or a folder, are packed as JSON lines of path and content.
 * @param onProgress receives the uploaded share, 0 to 1
 * @returns the id of the import
 * @throws ApiError
 */
export async function uploadImport(
  files: readonly File[],
  options: ImportOptions,
  onProgress: (share: number) => void,
): Promise<string> {
  const [first] = files;
  const isPacked = files.length > 1;
  const blob = isPacked ? await pack(files) : (first as File);
  const name = isPacked ? `${files.length} files` : (first as File).name;
  const packed = isPacked ? { format: 'markdown' as const } : {};
  const { id } = await call('imports.start', { ...options, ...packed, name: name.slice(0, 200) });
  for (let n = 0; n * PART_BYTES < blob.size; n++) {
    const part = blob.slice(n * PART_BYTES, (n + 1) * PART_BYTES);
    await call('imports.upload', { id, n, data: toBase64(new Uint8Array(await part.arrayBuffer())) });
    onProgress(Math.min(1, ((n + 1) * PART_BYTES) / blob.size));
  }
  await call('imports.run', { id, dry_run: true });
  return id;
}

async function pack(files: readonly File[]): Promise<Blob> {
  const texts = files.filter(({ name }) => TEXT_FILE.test(name));
  const lines = await Promise.all(
    texts.map(async (file) => {
      const path = file.webkitRelativePath || file.name;
      return `${JSON.stringify({ path, content: await file.text() })}\n`;
    }),
  );
  return new Blob(lines);
}

function toBase64(bytes: Uint8Array): string {
  let binary = '';
  // In parts: a call may not have a million arguments.
  for (let start = 0; start < bytes.length; start += 8_192) {
    binary += String.fromCharCode(...bytes.subarray(start, start + 8_192));
  }
  return btoa(binary);
}
