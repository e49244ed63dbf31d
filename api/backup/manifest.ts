import { z } from 'zod';

/** Format of the archive. A reader rejects any other. */
const FORMAT = 1;

const table = z.strictObject({ schema: z.string(), name: z.string(), columns: z.array(z.string()) });

/** First entry of an archive: what a restore needs before the rows. */
export const archiveHeader = z.strictObject({
  format: z.literal(FORMAT, 'is not supported by this version'),
  /** Version of the service that made the archive. */
  version: z.string(),
  created_at: z.iso.datetime(),
  /** The schema: names of the applied migrations, in order. */
  migrations: z.array(z.string()),
  usage_days: z.strictObject({ first: z.string(), last: z.string() }).nullable(),
  tables: z.array(table),
});

/** Last entry of an archive: numbers of rows and checksums, by table. */
export const archiveManifest = z.strictObject({
  tables: z.record(z.string(), z.strictObject({ rows: z.number(), checksum: z.string() })),
  row_count: z.number(),
});

export type ArchiveHeader = z.output<typeof archiveHeader>;
export type ArchiveManifest = z.output<typeof archiveManifest>;

export const HEADER_NAME = 'header.json';
export const MANIFEST_NAME = 'manifest.json';
export const ARCHIVE_FORMAT = FORMAT;
