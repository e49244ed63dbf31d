import type { ImportFormat, MappedField } from '../../contracts/import.ts';

/** Options of an import, as they are stored with it. */
export interface ImportOptions {
  format: ImportFormat | 'auto';
  project?: string | undefined;
  type?: 'short_term' | 'long_term' | undefined;
  tags: string[];
  mapping?: Partial<Record<MappedField, string>> | undefined;
}
