import type { Service } from '../../api/bootstrap.ts';
import { countTerms } from '../../api/search/term-frequencies.ts';
import { insertMemory } from '../../db/queries/memories/insert-memory.ts';
import { deleteMemories } from '../../db/queries/memories/memories.ts';
import type { NewMemoryRow } from '../../db/queries/memories/row.ts';
import { removePostings } from '../../db/queries/memories/terms.ts';
import { changeQuota } from '../../db/queries/usage/quotas.ts';
import { percentile } from '../eval/score.ts';
import type { Note } from './texts.ts';

/** Latency of a measure at one size. */
export interface Figure {
  /** Memories of the growing tenant. */
  size: number;
  what: string;
  p50Ms: number;
  p95Ms: number;
  /** Rows of the search tables that one call read, if counted. */
  rows?: number;
}

/** Runs `act` for each input in sequence. Returns the milliseconds of each, without the first tenth (at most 20), which warms up. */
export async function timed<T>(inputs: readonly T[], act: (input: T) => Promise<unknown>): Promise<number[]> {
  const times: number[] = [];
  for (const input of inputs) {
    const started = performance.now();
    await act(input);
    times.push(performance.now() - started);
  }
  return times.slice(Math.min(20, Math.ceil(inputs.length / 10)));
}

export function figure(size: number, what: string, times: readonly number[], rows?: number): Figure {
  const [p50Ms, p95Ms] = [percentile(times, 0.5), percentile(times, 0.95)];
  return { size, what, p50Ms, p95Ms, ...(rows !== undefined && { rows }) };
}

/** Makes a REST call. @throws Error unless the status is 2xx */
export async function post<T>(service: Service, key: string, path: string, body: object): Promise<T> {
  const response = await fetch(`${service.url}/api/v1${path}`, {
    method: 'POST',
    headers: { Authorization: `Bearer ${key}`, 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${path} returned ${response.status}: ${text}`);
  return JSON.parse(text) as T;
}

/** Stores a note through the API. Returns its id. */
export async function create(service: Service, key: string, note: Note, project?: string): Promise<string> {
  const { title, content, tags, session_id, occurred_at } = note;
  const input = { title, content, tags, occurred_at, ...(session_id && { session_id }), ...(project && { project }) };
  return (await post<{ id: string }>(service, key, '/memories', input)).id;
}

const NO_TERMS = { terms: [], frequencies: [], blocks: [] };

/** Times transactions that insert a row, and with `indexed` its terms, outside the pipeline. The rows are deleted again. */
export async function timeInserts(
  service: Service,
  userId: string,
  rows: readonly NewMemoryRow[],
  indexed: boolean,
): Promise<number[]> {
  const { database } = service;
  const times = await timed(rows, (row) =>
    database.write(userId, async (sql) =>
      insertMemory(sql, userId, row, indexed ? await countTerms(row) : NO_TERMS, { enqueue: false }),
    ),
  );
  const ids = rows.map(({ id }) => id);
  await database.write(userId, async (sql) => {
    const words = await removePostings(sql, userId, ids);
    const deleted = await deleteMemories(sql, userId, ids);
    await changeQuota(sql, userId, { bytes: -deleted.bytes, memories: -deleted.memories.length, words: -words });
  });
  return times;
}
