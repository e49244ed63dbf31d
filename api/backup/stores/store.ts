import type { Readable } from 'node:stream';

/** A file in a store. */
export interface StoredFile {
  name: string;
  bytes: number;
}

/** Where backups are kept. A file appears whole or not at all. */
export interface BackupStore {
  /** The folder or bucket, as messages show it. Holds no secret. */
  location: string;
  /** Stores a file, replacing one of the same name. Returns its size in bytes. */
  write(name: string, bytes: Readable): Promise<number>;
  /** @throws when there is no such file */
  read(name: string): Promise<Readable>;
  /** Lists the files, by name. */
  list(): Promise<StoredFile[]>;
  remove(name: string): Promise<void>;
  /** Removes what a killed process left behind. */
  removeUnfinished(): Promise<void>;
}
