import type { ImportsGetOutput } from '../clients/typescript/src/generated/types.ts';
import type { Api } from './api.ts';

/** Calls of the import operations. Each rejects with an `Error` whose message is for people. */
export interface ImportApi {
  start(options: Record<string, unknown>): Promise<ImportsGetOutput>;
  upload(id: string, n: number, bytes: Buffer): Promise<unknown>;
  run(id: string, dryRun: boolean): Promise<ImportsGetOutput>;
  get(id: string): Promise<ImportsGetOutput>;
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
