import type { Sql } from '../../db/client/sql.ts';
import { findMemories } from '../../db/queries/memories/memories.ts';
import type { MemoryRow } from '../../db/queries/memories/row.ts';
import type { Operation } from '../contracts/operation.ts';
import { serializeMemory } from '../memories/serialize-memory.ts';

/** Finds memories of the caller by their ids. */
type Find = (ids: readonly string[]) => Promise<Map<string, MemoryRow>>;

/** Defines the parts of a response that are kept for a replay, and rebuilds the response from them. */
interface Rule {
  /** Returns the response without stored text, which must not outlive its memory; undefined to keep nothing. */
  keep(body: never): unknown;
  /** Returns the response, with text of the memories as they are now; undefined if its memory was deleted. */
  complete(kept: never, find: Find): Promise<unknown>;
}

/** Kept of a response that is one memory. */
interface KeptMemory {
  id: string;
  deduplicated?: boolean;
  similar?: unknown;
  changed?: unknown;
}

interface Titled {
  id: string | null;
  title: string;
}

/** Kept of a consolidation. */
interface KeptConsolidation {
  dry_run: boolean;
  promoted: Omit<Titled, 'title'>[];
  archived: Omit<Titled, 'title'>[];
  digests: Titled[];
}

const aMemory: Rule = {
  keep: ({ id, deduplicated, similar, changed }: KeptMemory) => ({ id, deduplicated, similar, changed }),
  async complete({ id, ...rest }: KeptMemory, find) {
    const memory = (await find([id])).get(id);
    return memory && { ...serializeMemory(memory), ...rest };
  },
};

const RULES: Record<string, Rule> = {
  'memories.create': aMemory,
  'memories.replace': aMemory,
  'memories.update': aMemory,
  'memories.restore': aMemory,
  'memories.consolidate': {
    // The titles of digests are the service's own.
    keep: ({ promoted, archived, ...rest }: KeptConsolidation) => ({
      ...rest,
      promoted: promoted.map(withoutTitle),
      archived: archived.map(withoutTitle),
    }),
    async complete({ promoted, archived, ...rest }: KeptConsolidation, find) {
      const memories = await find([...promoted, ...archived].flatMap(({ id }) => id ?? []));
      const titled = (list: KeptConsolidation['promoted']) =>
        list.flatMap((one) => {
          const memory = memories.get(one.id ?? '');
          return memory ? [{ ...one, title: memory.title }] : [];
        });
      return { ...rest, promoted: titled(promoted), archived: titled(archived) };
    },
  },
  'tags.normalize': {
    // The former tags are stored nowhere else.
    keep: (body: { changed: unknown[] }) => (body.changed.length === 0 ? body : undefined),
    complete: async (kept) => kept,
  },
};

function withoutTitle<One extends object>({ title: _title, ...rest }: One & { title?: string }) {
  return rest;
}

/** Returns what is kept of a response for a replay; undefined for nothing. */
export function keptOf(operation: Operation, body: unknown): unknown {
  const rule = RULES[operation.id];
  return rule ? rule.keep(body as never) : body;
}

/** Makes a response from what was kept of it. Returns undefined if its memory was deleted permanently. */
export async function completeKept(operation: Operation, kept: unknown, sql: Sql, userId: string): Promise<unknown> {
  const find: Find = async (ids) => {
    const found = await findMemories(sql, userId, ids);
    return new Map(found.map((memory) => [memory.id, memory]));
  };
  const rule = RULES[operation.id];
  return rule ? rule.complete(kept as never, find) : kept;
}
