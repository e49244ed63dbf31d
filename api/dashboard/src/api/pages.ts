import type { OperationId } from '../../../contracts/index.ts';

/** One page of a list, as its operation returned it. */
export interface Page {
  results: readonly object[];
  next_cursor?: string | null | undefined;
}

/** A page that was read, with where it begins. */
interface ReadPage<Output> {
  /** Undefined for the first page. */
  cursor: string | undefined;
  output: Output;
  /** Items that an act took out of this page. An undo brings them back to it. */
  gone: readonly string[];
}

/** The pages of a list that were read so far. */
export interface ReadPages<Output> {
  read: readonly ReadPage<Output>[];
  /** The last act that the pages contain. */
  act: number;
}

/** Pages that hold a changed item and are read again. With more of them, the list is read from its beginning. */
const REREAD_MAX = 10;
/** Acts that are remembered for lists that are not shown now. */
const ACTS_MAX = 500;

interface Act {
  number: number;
  /** Operations whose results it changed. */
  reads: readonly OperationId[];
  /** The item that it changed is named by one of these. */
  names: readonly string[];
}

const acts: Act[] = [];
let lastAct = 0;
/** The last act that is no longer remembered. */
let forgottenAct = 0;

/** Records what an act changed, so that a list reads again only the pages with the changed items. */
export function recordAct(reads: readonly OperationId[], input: unknown, output: unknown): void {
  const { changed, dry_run: isDryRun } = (output ?? {}) as { changed?: unknown; dry_run?: boolean };
  if (isDryRun) return;
  const named = Array.isArray(changed) ? changed.map((id) => [String(id)]) : [[...textsOf(input), ...textsOf(output)]];
  lastAct += 1;
  for (const names of named) acts.push({ number: lastAct, reads, names });
  while (acts.length > ACTS_MAX) forgottenAct = acts.shift()?.number ?? forgottenAct;
}

function textsOf(value: unknown): string[] {
  return Object.values(value ?? {}).filter((field): field is string => typeof field === 'string');
}

type ReadOne<Output> = (cursor: string | undefined) => Promise<Output>;

/** Reads the first page of a list. */
export async function readFirst<Output>(readOne: ReadOne<Output>): Promise<ReadPages<Output>> {
  const act = lastAct;
  return { read: [{ cursor: undefined, output: await readOne(undefined), gone: [] }], act };
}

/**
 * Reads the first page of a list again, and the pages that hold what acts changed since. Other pages stay as they are.
 * A list is read from its beginning if it cannot be known which pages changed.
 * @param latest returns the pages when the responses are there: another page may have been added meanwhile
 */
export async function refresh<Output extends Page>(
  id: OperationId,
  former: ReadPages<Output>,
  readOne: ReadOne<Output>,
  latest: () => ReadPages<Output> | undefined,
): Promise<ReadPages<Output>> {
  const act = lastAct;
  const since = acts.filter(({ number, reads }) => number > former.act && reads.includes(id));
  const changed = new Set(since.flatMap(({ names }) => names));
  const indices = former.read.flatMap((page, index) => (index === 0 || holds(page, changed) ? [index] : []));
  if (former.act < forgottenAct || indices.length > REREAD_MAX) return readFirst(readOne);
  const outputs = await Promise.all(indices.map((index) => readOne(former.read[index]?.cursor)));
  const fresh = new Map(indices.map((index, at) => [index, outputs[at] as Output]));
  const first = outputs[0] as Output;
  const isKnown = since.every(({ names }) => {
    const named = new Set(names);
    return former.read.some((page) => holds(page, named)) || first.results.some((item) => named.has(keyOf(item)));
  });
  if (!isKnown) return { read: [{ cursor: undefined, output: first, gone: [] }], act };
  return { read: merge((latest() ?? former).read, fresh, changed), act };
}

function holds<Output extends Page>({ output, gone }: ReadPage<Output>, names: ReadonlySet<string>): boolean {
  return gone.some((key) => names.has(key)) || output.results.some((item) => names.has(keyOf(item)));
}

/**
 * Puts pages that were read again in the place of the former ones. A page that begins at the same cursor may end
 * elsewhere now: what follows its last item in the former list stays, and no item is listed twice.
 */
export function merge<Output extends Page>(
  former: readonly ReadPage<Output>[],
  fresh: ReadonlyMap<number, Output>,
  changed: ReadonlySet<string>,
): ReadPage<Output>[] {
  const merged: ReadPage<Output>[] = [];
  const positions = new Map(former.flatMap(({ output }) => output.results).map((item, at) => [keyOf(item), at]));
  const seen = new Set<string>();
  const add = (page: ReadPage<Output>, items: readonly object[]) => {
    const results = items.filter((item) => !seen.has(keyOf(item)));
    for (const item of results) seen.add(keyOf(item));
    merged.push({ ...page, output: { ...page.output, results } });
  };
  let start = 0;
  /** Number of former items that fresh pages have replaced. */
  let covered = 0;
  for (const [index, page] of former.entries()) {
    const { results, next_cursor: end } = page.output;
    const output = fresh.get(index);
    if (output !== undefined) {
      const keys = new Set(output.results.map(keyOf));
      const removed = [...page.gone, ...results.map(keyOf)].filter((key) => changed.has(key) && !keys.has(key));
      add({ ...page, output, gone: removed }, output.results);
      if (!output.next_cursor) return merged;
      if (output.next_cursor === end) covered = Math.max(covered, start + results.length);
      else {
        const last = output.results.findLast((item) => {
          const at = positions.get(keyOf(item));
          return at !== undefined && at >= start && !changed.has(keyOf(item));
        });
        if (last === undefined) return merged;
        covered = Math.max(covered, (positions.get(keyOf(last)) as number) + 1);
      }
    }
    const rest = results.slice(Math.max(0, covered - start)).filter((item) => !changed.has(keyOf(item)));
    if (output === undefined) add(page, rest);
    else if (rest.length > 0) add({ ...page, cursor: output.next_cursor ?? undefined, gone: [] }, rest);
    start += results.length;
  }
  return merged;
}

/** Adds the next page, unless the list ends elsewhere by now. */
export function append<Output extends Page>(
  former: ReadPages<Output> | undefined,
  cursor: string,
  output: Output,
): ReadPages<Output> | undefined {
  if (former === undefined || former.read.at(-1)?.output.next_cursor !== cursor) return former;
  return { ...former, read: [...former.read, { cursor, output, gone: [] }] };
}

/** Returns what identifies an item of a list. */
function keyOf(item: object): string {
  const { id, webhook_id: webhookId, name, tag, version } = item as Record<string, string | number | null | undefined>;
  return String(id ?? webhookId ?? name ?? tag ?? version ?? '');
}
