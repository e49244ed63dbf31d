import type { Sql } from '../../../db/client/sql.ts';
import { findKnownMemories, findKnownVersions, type KnownMemory } from '../../../db/queries/memories/imported.ts';
import type { NewMemoryRow } from '../../../db/queries/memories/row.ts';
import type { Entry } from './parse-record.ts';

/** The outcome of comparing an entry with the account. */
export type Verdict =
  | { do: 'store' }
  /** The account, or the file before this entry, has an exact duplicate: its tags and metadata are merged into that. */
  | { do: 'merge'; why: string }
  | { do: 'skip'; why: string }
  | { do: 'reject'; code: 'id_exists' | 'rejected'; why: string };

type Stored = Extract<Entry, { kind: 'memory' | 'version' }>;

/** Compares the entries of a file with the memories of the account and with the entries before them. */
export class Comparison {
  /** Content hashes of the memories in the file, by id. */
  private readonly ids = new Map<string, string>();
  private readonly duplicateKeys = new Set<string>();
  /** Ids of memories that are not stored under their own id, so that their versions are not either. */
  private readonly left = new Set<string>();

  /** Returns what to do with each entry, in order. */
  async compare(sql: Sql, userId: string, entries: readonly Stored[]): Promise<Verdict[]> {
    const memories = entries.flatMap((entry) => (entry.kind === 'memory' ? [entry.row] : []));
    const versions = entries.flatMap((entry) => (entry.kind === 'version' ? [entry.row] : []));
    const ids = [...memories.map(({ id }) => id), ...versions.map(({ memory_id }) => memory_id)];
    const hashes = memories.map(({ content_hash }) => content_hash);
    const known = ids.length > 0 ? await findKnownMemories(sql, userId, ids, hashes) : [];
    const knownVersions = versions.length > 0 ? await findKnownVersions(sql, userId, versions) : [];
    const stored = new Set(knownVersions.map(({ memory_id, version }) => `${memory_id}:${version}`));
    const byId = new Map(known.map((memory) => [memory.id, memory]));
    const byKey = new Map(
      known.filter(({ status }) => status === 'active').map((memory) => [duplicateKey(memory), memory]),
    );
    return entries.map((entry) => {
      if (entry.kind === 'memory') return this.compareMemory(entry.row, byId.get(entry.row.id), byKey);
      const { memory_id, version } = entry.row;
      return this.compareVersion(memory_id, version, byId.get(memory_id), stored.has(`${memory_id}:${version}`));
    });
  }

  private compareMemory(row: NewMemoryRow, known: KnownMemory | undefined, byKey: Map<string, KnownMemory>): Verdict {
    const hash = shortHash(row.content_hash);
    const former = known ? shortHash(known.content_hash) : this.ids.get(row.id);
    if (former === hash) return { do: 'skip', why: 'you have this memory already' };
    if (former !== undefined) {
      this.left.add(row.id);
      const why = known
        ? 'you have a memory of this id with other content, which stays as it is'
        : 'an earlier record of the file has this id with other content';
      return { do: 'reject', code: 'id_exists', why };
    }
    if (row.status === 'active') {
      const key = duplicateKey(row);
      const duplicate = byKey.get(key);
      if (duplicate || this.duplicateKeys.has(key)) {
        this.left.add(row.id);
        const whose = duplicate ? `memory ${duplicate.id}` : 'an earlier record of the file';
        return { do: 'merge', why: `is an exact duplicate of ${whose}, which gets its tags and metadata` };
      }
      this.duplicateKeys.add(key);
    }
    this.ids.set(row.id, hash);
    return { do: 'store' };
  }

  private compareVersion(id: string, version: number, known: KnownMemory | undefined, isStored: boolean): Verdict {
    if (this.left.has(id))
      return { do: 'reject', code: 'rejected', why: 'its memory was not imported under its own id' };
    if (isStored) return { do: 'skip', why: 'you have this version already' };
    if (known ? known.version > version : this.ids.has(id)) return { do: 'store' };
    return { do: 'reject', code: 'rejected', why: 'its memory is not in the file before it' };
  }
}

/** Returns a key that is equal for exact duplicates. */
function duplicateKey(row: Pick<KnownMemory, 'content_hash' | 'type' | 'expires_at' | 'supersedes'>): string {
  return `${shortHash(row.content_hash)}${row.type[0]}${row.expires_at?.getTime() ?? ''}:${row.supersedes ?? ''}`;
}

/** Shortens a hash: 12 bytes are unique among the memories of one account. */
function shortHash(hash: Buffer): string {
  return hash.toString('latin1', 0, 12);
}
