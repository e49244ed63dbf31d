import type { Api } from './api.ts';

/** The state of an import, as the service returns it. */
export interface ImportState {
  id: string;
  status: 'uploading' | 'checking' | 'checked' | 'importing' | 'completed' | 'stopped' | 'failed';
  format: string | null;
  progress: number;
  cost: number;
  reason: string | null;
  counts: {
    memories: number;
    versions: number;
    unchanged: number;
    rejected: number;
    storage_bytes: number;
    imported_memories: number;
    imported_versions: number;
  };
  findings: { line: number; what: string; why: string }[];
}

/** Calls of the import operations. Each rejects with an `Error` whose message is for people. */
export interface ImportApi {
  start(options: Record<string, unknown>): Promise<ImportState>;
  upload(id: string, n: number, bytes: Buffer): Promise<unknown>;
  run(id: string, dryRun: boolean): Promise<ImportState>;
  get(id: string): Promise<ImportState>;
  remove(id: string): Promise<unknown>;
}

/** Creates the calls of the import operations. */
export function createImportApi({ call }: Api): ImportApi {
  return {
    start: (body) => call({ method: 'POST', path: '/import', body }),
    upload: (id, n, bytes) =>
      call({ method: 'PUT', path: `/import/${id}/chunks/${n}`, body: { data: bytes.toString('base64') } }),
    run: (id, dryRun) => call({ method: 'POST', path: `/import/${id}/run`, body: { dry_run: dryRun } }),
    get: (id) => call({ path: `/import/${id}` }),
    remove: (id) => call({ method: 'DELETE', path: `/import/${id}` }),
  };
}
