import type { Service } from '../../api/bootstrap.ts';
import { countWords } from '../../api/search/term-frequencies.ts';
import { insertMemory } from '../../db/queries/memories/insert-memory.ts';
import { deleteMemories } from '../../db/queries/memories/memories.ts';
import type { NewMemoryRow } from '../../db/queries/memories/row.ts';
import { removePostings } from '../../db/queries/memories/terms.ts';
import { changeQuota } from '../../db/queries/usage/quotas.ts';
import { percentile } from '../eval/score.ts';
import type { Note } from './texts.ts';

/** What one way of asking took. */
export interface Figure {
  /** Memories of the tenant that grows. */
  size: number;
  what: string;
  p50Ms: number;
  p95Ms: number;
  /** Rows that one call read of the tables of search; only where that was counted. */
  rows?: number;
}

/** Milliseconds of each, one after the other; the first tenth, at most 20, only warms up and is left out. */
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

/** A REST call. @throws Error unless it is answered with 2xx */
export async function post<T>(service: Service, key: string, path: string, body: object): Promise<T> {
  const response = await fetch(`${service.url}/api/v1${path}`, {
    method: 'POST',
    headers: { Authorization: `Bearer ${key}`, 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
  });
  const answer = await response.text();
  if (!response.ok) throw new Error(`${path} was answered with ${response.status}: ${answer}`);
  return JSON.parse(answer) as T;
}

/** Stores a note through the API. Answers its id. */
export async function create(service: Service, key: string, note: Note, project?: string): Promise<string> {
  const { title, content, tags, session_id, occurred_at } = note;
  const said = { title, content, tags, occurred_at, ...(session_id && { session_id }), ...(project && { project }) };
  return (await post<{ id: string }>(service, key, '/memories', said)).id;
}

const NO_WORDS = { terms: [], frequencies: [] };

/** Transactions that insert a row, and with `indexed` its words: no gates, no metering. They leave nothing behind. */
export async function timeInserts(
  service: Service,
  userId: string,
  rows: readonly NewMemoryRow[],
  indexed: boolean,
): Promise<number[]> {
  const { database } = service;
  const times = await timed(rows, (row) =>
    database.write(userId, (sql) =>
      insertMemory(sql, userId, row, indexed ? countWords(row) : NO_WORDS, { enqueue: false }),
    ),
  );
  const ids = rows.map(({ id }) => id);
  await database.write(userId, async (sql) => {
    const words = await removePostings(sql, userId, ids);
    const gone = await deleteMemories(sql, userId, ids);
    await changeQuota(sql, userId, { bytes: -gone.bytes, memories: -gone.memories, words: -words });
  });
  return times;
}
