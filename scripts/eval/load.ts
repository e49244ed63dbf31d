import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { z } from 'zod';
import { type Floors, floorsFile } from './floors.ts';
import type { EvalClient } from './service.ts';

const note = z.object({
  id: z.string(),
  owner: z.string(),
  title: z.string(),
  text: z.string(),
  timestamp: z.string().nullish(),
  session: z.string().nullish(),
  tags: z.array(z.string()).nullish(),
  project: z.string().nullish(),
  /** Id of the note that this one supersedes. */
  supersedes: z.string().nullish(),
});
type Note = z.output<typeof note>;
const question = z.object({
  id: z.string(),
  owner: z.string(),
  query: z.string(),
  /** Words that no result may contain. */
  exclude: z.array(z.string()).optional(),
  /** Asks for superseded memories too. */
  include_superseded: z.boolean().optional(),
  category: z.string(),
});
export type Question = z.output<typeof question>;

/** Notes, questions about them, and the notes that answer each question (gold). */
export interface EvalSet {
  name: string;
  notes: Note[];
  questions: Question[];
  /** Question id to note ids. A question without an entry is not scored. */
  gold: Map<string, Set<string>>;
  /** Least values of each category, if the set commits to some. */
  floors?: Floors | undefined;
}

/** The user of the service for an owner of a set. */
export interface Tenant {
  apiKey: string;
  /** Memory id to note ids: exact duplicates share a memory. */
  notesOf: Record<string, string[]>;
}
export type Tenants = Record<string, Tenant>;

/** Reads the sets in the given folders, each a set or a folder of sets, in alphabetical order. */
export async function readSets(folders: readonly string[], only?: readonly string[]): Promise<EvalSet[]> {
  const sets: EvalSet[] = [];
  for (const folder of folders) {
    const entries = await readdir(folder, { withFileTypes: true });
    const isSet = entries.some(({ name }) => name === 'corpus.jsonl');
    const inside = entries.filter((entry) => entry.isDirectory()).map(({ name }) => join(folder, name));
    for (const path of isSet ? [folder] : inside.sort()) {
      if (!only || only.includes(basename(path))) sets.push(await readSet(path));
    }
  }
  if (sets.length === 0) throw new Error(`no set in ${folders.join(', ')}: a set is a folder with a file corpus.jsonl`);
  return sets;
}

async function readSet(folder: string): Promise<EvalSet> {
  const read = async (file: string) => (await readFile(join(folder, file), 'utf8')).split('\n').filter(Boolean);
  const gold = new Map<string, Set<string>>();
  for (const line of (await read('qrels.tsv')).slice(1)) {
    const [query = '', corpus = '', grade] = line.split('\t');
    if (Number(grade) > 0) gold.set(query, (gold.get(query) ?? new Set()).add(corpus));
  }
  return {
    name: basename(folder),
    notes: (await read('corpus.jsonl')).map((line) => note.parse(JSON.parse(line))),
    questions: (await read('queries.jsonl')).map((line) => question.parse(JSON.parse(line))),
    gold,
    floors: await readFloors(join(folder, 'floors.json')),
  };
}

async function readFloors(file: string): Promise<Floors | undefined> {
  return existsSync(file) ? floorsFile.parse(JSON.parse(await readFile(file, 'utf8'))) : undefined;
}

const BATCH = 100;
const BATCH_CHARACTERS = 200_000;

/** Stores a set through the API, each owner as a user of its own. Returns the users by owner. */
export async function store(service: EvalClient, set: EvalSet, titleIsSession: boolean): Promise<Tenants> {
  const tenants: Tenants = {};
  let done = 0;
  for (const owner of new Set(set.notes.map((one) => one.owner))) {
    const tenant: Tenant = { apiKey: await service.addUser(), notesOf: {} };
    tenants[owner] = tenant;
    // A collection may contain empty texts, which cannot be stored.
    const notes = set.notes.filter((one) => one.owner === owner && one.text.trim() !== '');
    const memoryOf = new Map<string, string>();
    for (const batch of batches(notes)) {
      const memories = batch.map((one) => toMemory(one, titleIsSession, memoryOf));
      const ids = await storeBatch(service, tenant.apiKey, memories);
      for (const [index, id] of ids.entries()) {
        const noteId = (batch[index] as Note).id;
        memoryOf.set(noteId, id);
        tenant.notesOf[id] = [...(tenant.notesOf[id] ?? []), noteId];
      }
      done += batch.length;
      service.progress(`${set.name}: stored ${done} of ${set.notes.length}`);
    }
  }
  return tenants;
}

/** Splits notes into batches that a call accepts, in order. A note is in a later batch than the one it supersedes. */
function batches(notes: readonly Note[]): Note[][] {
  const all: Note[][] = [[]];
  let characters = 0;
  for (const one of notes) {
    const last = all.at(-1) as Note[];
    characters += one.text.length;
    const isFull = last.length === BATCH || characters > BATCH_CHARACTERS;
    if (last.length > 0 && (isFull || last.some(({ id }) => id === one.supersedes))) {
      all.push([one]);
      characters = one.text.length;
    } else last.push(one);
  }
  return all.filter((batch) => batch.length > 0);
}

function toMemory(one: Note, titleIsSession: boolean, memoryOf: ReadonlyMap<string, string>) {
  const title = [...(one.title.trim() || one.text.trim())].slice(0, 500).join('');
  const session = titleIsSession ? one.title.trim() : one.session;
  return {
    title,
    content: one.text,
    ...(one.timestamp && { occurred_at: one.timestamp }),
    ...(session && { session_id: session }),
    ...(one.tags && { tags: one.tags }),
    ...(one.project && { project: one.project }),
    ...(one.supersedes && { supersedes: memoryOf.get(one.supersedes) }),
  };
}

const stored = z.object({ results: z.array(z.object({ id: z.string().nullable(), error: z.unknown().optional() })) });

async function storeBatch(service: EvalClient, apiKey: string, memories: unknown[]): Promise<string[]> {
  const { results } = stored.parse((await service.call(apiKey, 'POST', '/memories/batch', { memories })).body);
  return results.map(({ id, error }) => {
    if (id === null) throw new Error(`a note was rejected: ${JSON.stringify(error)}`);
    return id;
  });
}
