import { z } from 'zod';
import * as f from './fields.ts';
import { type Operation, operation } from './operation.ts';

/** Formats of an import. `auto` detects one of the others from the content. */
export const IMPORT_FORMATS = [
  'whitemagic',
  'server_memory',
  'mem0',
  'supermemory',
  'zep',
  'markdown',
  'csv',
  'jsonl',
] as const;
export type ImportFormat = (typeof IMPORT_FORMATS)[number];

/** Fields of a memory that a column of CSV, or a key of JSONL, can give. */
export const MAPPED_FIELDS = [
  'content',
  'title',
  'tags',
  'project',
  'session_id',
  'type',
  'occurred_at',
  'expires_at',
  'created_at',
  'updated_at',
  'id',
  'metadata',
] as const;
export type MappedField = (typeof MAPPED_FIELDS)[number];

/** Largest part of an upload, in bytes; as base64 it fits the largest request body. */
export const IMPORT_CHUNK_BYTES_MAX = 524_288;
const BASE64_LENGTH_MAX = Math.ceil(IMPORT_CHUNK_BYTES_MAX / 3) * 4;
const CHUNKS_MAX = 100_000;
/** Bytes of an upload that cost one quota unit of the day. */
export const IMPORT_BYTES_PER_UNIT = 10_000;

const EXAMPLE_ID = '019ad3f1-6b20-7c84-9d3e-a7f15c0e4b62';

const finding = z.strictObject({
  line: z.int().meta({ description: 'Line of the file at which the record starts, from 1; 0: the file as a whole.' }),
  what: z.string().meta({ description: 'Title, id or path of the record.' }),
  code: z.enum(['rejected', 'id_exists', 'storage_full', 'unchanged', 'link_dropped', 'not_mapped']),
  why: z.string(),
});

const counts = z.strictObject({
  records: z.int().meta({ description: 'Records that were read.' }),
  memories: z.int().meta({ description: 'New memories.' }),
  versions: z.int().meta({ description: 'New former versions of memories.' }),
  unchanged: z.int().meta({ description: 'Records that the account has already.' }),
  rejected: z.int().meta({ description: 'Records that do not fit.' }),
  ignored: z.int().meta({ description: 'Records of other kinds, such as the API keys in an account export.' }),
  storage_bytes: z.int().meta({ description: 'Storage that the new memories and versions need.' }),
  imported_memories: z.int().meta({ description: 'Memories that were stored.' }),
  imported_versions: z.int().meta({ description: 'Former versions that were stored.' }),
});

const importState = z.strictObject({
  id: f.id,
  status: z.enum(['uploading', 'checking', 'checked', 'importing', 'completed', 'stopped', 'failed']).meta({
    description:
      '`checked`: a dry run has ended. `stopped`: the storage is full or the account may not write; run it again to continue. `failed`: the file cannot be read.',
  }),
  name: z.string(),
  format: z.enum(IMPORT_FORMATS).nullable().meta({ description: 'The given or detected format.' }),
  dry_run: z.boolean().meta({ description: 'False once a run that stores memories was requested.' }),
  uploaded_bytes: z.int(),
  next_chunk: z.int().meta({ description: 'Number of the next part to upload.' }),
  progress: z.number().meta({ description: 'Done part of the current step, 0 to 1.' }),
  counts,
  cost: z.int().meta({ description: 'Quota units of the day that a run costs; none from the dashboard.' }),
  reason: z.string().nullable().meta({ description: 'Why it stopped or failed.' }),
  findings: z.array(finding).meta({ description: 'The first findings, without unchanged records.' }),
  created_at: f.instant,
  finished_at: f.instant.nullable(),
});

const started = importState.extend({
  charged: z.int().meta({ description: 'Quota units of the day that this call took for the run.' }),
});

/** Of a write. The counts are left out too: `unchanged` says that the account has a memory already. */
const receipt = z.object({ id: f.id, status: importState.shape.status, next_chunk: z.int() });

const data = z.base64().max(BASE64_LENGTH_MAX);
const content = z.string();

const COUNTS = {
  records: 0,
  memories: 0,
  versions: 0,
  unchanged: 0,
  rejected: 0,
  ignored: 0,
  storage_bytes: 0,
  imported_memories: 0,
  imported_versions: 0,
};
const EXAMPLE = {
  id: EXAMPLE_ID,
  status: 'checking' as const,
  name: 'notes.jsonl',
  format: null,
  dry_run: true,
  uploaded_bytes: 52,
  next_chunk: 1,
  progress: 0,
  counts: COUNTS,
  cost: 1,
  reason: null,
  findings: [],
  created_at: '2026-11-30T10:00:00.000Z',
  finished_at: null,
};
const CHECKED = {
  ...EXAMPLE,
  status: 'checked' as const,
  format: 'jsonl' as const,
  progress: 1,
  counts: { ...COUNTS, records: 2, memories: 1, rejected: 1, storage_bytes: 27 },
  findings: [{ line: 2, what: 'line 2', code: 'rejected' as const, why: 'content: must not be empty or blank' }],
};

/** Charges the run's quota units of the day; one is that of the call itself. */
const cost: NonNullable<Operation['cost']> = { dayUnits: (result) => (result as { charged: number }).charged };

export const startImport = operation({
  id: 'imports.start',
  summary: 'Start an import',
  description:
    'Imports memories from an account export of WhiteMagic, `@modelcontextprotocol/server-memory`, mem0, supermemory, Zep, basic-memory and other Markdown, CSV or JSON lines; gzipped too. A small file comes along as `content` (or `data`) and is checked at once; a larger one is uploaded in parts. A dry run changes nothing and reports counts, findings and the cost. Running costs one quota unit of the day for every started 10,000 bytes of the upload, at most half of the units of a day; nothing from the dashboard.',
  tag: 'memories',
  http: { method: 'POST', path: '/import', statuses: [201] },
  access: { scope: 'memories:write', wholeAccount: true },
  execution: { kind: 'write', role: 'admin' },
  cost,
  input: z
    .strictObject({
      name: f.text(200).default('import').meta({ description: 'Name of the file, for people.' }),
      format: z.enum(['auto', ...IMPORT_FORMATS]).default('auto'),
      project: f.project.optional().meta({ description: 'Project of the memories that have none.' }),
      type: f.memoryType.optional().meta({ description: 'Type of the memories that have none. Default: `long_term`.' }),
      tags: f.tags.default([]).meta({ description: 'Tags that are added to each new memory.' }),
      mapping: z
        .partialRecord(z.enum(MAPPED_FIELDS), z.string().max(200))
        .optional()
        .meta({ description: 'For CSV and JSON lines: the column of each field. Nested keys are separated by dots.' }),
      content: content.optional().meta({ description: 'The whole file, as text.' }),
      data: data.optional().meta({ description: 'The whole file, as base64; for gzip.' }),
      dry_run: z.boolean().default(true),
    })
    .refine(({ content, data }) => content === undefined || data === undefined, {
      path: ['data'],
      message: 'must not be combined with `content`',
    }),
  output: started,
  receipt: receipt,
  example: {
    input: { name: 'notes.jsonl', content: '{"text": "We deploy on Fridays."}\n{"text": " "}\n' },
    output: { ...EXAMPLE, charged: 0 },
  },
  errors: ['storage_full', 'import_state'],
});

export const uploadChunk = operation({
  id: 'imports.upload',
  summary: 'Upload a part of a file',
  description:
    'Parts are numbered from 0 and have at most 512 KiB. A part that is uploaded again replaces the earlier one, so an interrupted upload continues at `next_chunk`. An upload that is not run is deleted after a day.',
  tag: 'memories',
  http: { method: 'PUT', path: '/import/{id}/chunks/{n}', statuses: [200] },
  access: { scope: 'memories:write', wholeAccount: true },
  execution: { kind: 'write' },
  input: z.strictObject({ id: f.id, n: z.coerce.number().int().min(0).max(CHUNKS_MAX), data }),
  output: z.strictObject({ id: f.id, uploaded_bytes: z.int(), next_chunk: z.int() }),
  receipt: z.object({ id: f.id, uploaded_bytes: z.int(), next_chunk: z.int() }),
  example: {
    input: { id: EXAMPLE_ID, n: 0, data: 'eyJ0ZXh0IjogIldlIGRlcGxveSBvbiBGcmlkYXlzLiJ9Cg==' },
    output: { id: EXAMPLE_ID, uploaded_bytes: 34, next_chunk: 1 },
  },
  errors: ['not_found', 'storage_full', 'import_state'],
});

export const runImport = operation({
  id: 'imports.run',
  summary: 'Check an uploaded file, or store its memories',
  description:
    'Both happen in the background: `GET /import/{id}` returns the progress. A file that was not checked yet is checked first. Repeating the call of a running or completed import changes nothing.',
  tag: 'memories',
  http: { method: 'POST', path: '/import/{id}/run', statuses: [202] },
  access: { scope: 'memories:write', wholeAccount: true },
  execution: { kind: 'write', role: 'admin' },
  cost,
  input: z.strictObject({ id: f.id, dry_run: z.boolean().default(true) }),
  output: started,
  receipt: receipt,
  example: {
    input: { id: EXAMPLE_ID, dry_run: false },
    output: { ...CHECKED, status: 'importing', dry_run: false, progress: 0, charged: 1 },
  },
  errors: ['not_found', 'import_state'],
});

export const listImports = operation({
  id: 'imports.list',
  summary: 'List the newest imports',
  tag: 'memories',
  http: { method: 'GET', path: '/import', statuses: [200] },
  access: { scope: 'memories:read', wholeAccount: true },
  execution: { kind: 'read' },
  input: z.strictObject({}),
  output: z.strictObject({
    results: z.array(importState.omit({ findings: true, next_chunk: true })).meta({ description: 'At most 20.' }),
  }),
  example: { input: {}, output: { results: [withoutParts(CHECKED)] } },
  errors: [],
});

export const getImport = operation({
  id: 'imports.get',
  summary: 'Get the state of an import',
  description: 'An import that has ended is kept for 7 days.',
  tag: 'memories',
  http: { method: 'GET', path: '/import/{id}', statuses: [200] },
  access: { scope: 'memories:read', wholeAccount: true },
  execution: { kind: 'read' },
  input: z.strictObject({ id: f.id }),
  output: importState,
  example: { input: { id: EXAMPLE_ID }, output: CHECKED },
  errors: ['not_found'],
});

export const importReport = operation({
  id: 'imports.report',
  summary: 'List what did not fit',
  description: 'In the order of the file: what was rejected, adjusted, or there already. At most 20,000 are kept.',
  tag: 'memories',
  http: { method: 'GET', path: '/import/{id}/report', statuses: [200] },
  access: { scope: 'memories:read', wholeAccount: true },
  execution: { kind: 'read' },
  input: z.strictObject({ id: f.id, limit: f.limit(100), cursor: f.cursor.optional() }),
  output: z.strictObject(f.page(finding)),
  example: {
    input: { id: EXAMPLE_ID },
    output: { results: CHECKED.findings, total: 1, next_cursor: null },
  },
  errors: ['not_found'],
});

export const deleteImport = operation({
  id: 'imports.delete',
  summary: 'Cancel an import, or delete its report',
  description: 'Memories that were stored stay.',
  tag: 'memories',
  http: { method: 'DELETE', path: '/import/{id}', statuses: [200] },
  access: { scope: 'memories:write', wholeAccount: true },
  execution: { kind: 'write' },
  input: z.strictObject({ id: f.id }),
  output: z.strictObject({ id: f.id, status: z.literal('deleted') }),
  receipt: z.object({ id: f.id, status: z.literal('deleted') }),
  example: { input: { id: EXAMPLE_ID }, output: { id: EXAMPLE_ID, status: 'deleted' } },
  errors: ['not_found'],
});

function withoutParts<State extends { findings: unknown; next_chunk: unknown }>({
  findings: _findings,
  next_chunk: _next,
  ...state
}: State): Omit<State, 'findings' | 'next_chunk'> {
  return state;
}
