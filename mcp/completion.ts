import type { z } from 'zod';
import { list } from '../api/contracts/memories.ts';
import type { Operation } from '../api/contracts/operation.ts';
import { listProjects } from '../api/contracts/projects.ts';
import { tags } from '../api/contracts/tags.ts';

/** Values of an argument that a completion searches: the most used ones, or the newest. */
interface Source {
  operation: Operation;
  input: Record<string, unknown>;
  values: (result: unknown) => string[];
}

/** Completable arguments of the resource templates, by template and name. */
const SOURCES: Readonly<Record<string, Source>> = {
  'memory://memories/{id} id': {
    operation: list,
    input: { limit: 100, max_tokens: 20_000 },
    values: (result) => (result as z.output<typeof list.output>).results.map(({ id }) => id),
  },
  'memory://tags/{tag} tag': {
    operation: tags,
    input: { limit: 200 },
    values: (result) => (result as z.output<typeof tags.output>).results.map(({ tag }) => tag),
  },
  'memory://projects/{project} project': {
    operation: listProjects,
    input: { limit: 200 },
    values: (result) =>
      (result as z.output<typeof listProjects.output>).results.flatMap(({ name }) => (name === null ? [] : [name])),
  },
};

/** Most values that a completion may have (2025-11-25, Completion). */
const VALUES_MAX = 100;

/** Returns the source of an argument's values; undefined for arguments without completion. */
export function sourceOf(ref: { type?: unknown; uri?: unknown }, argument: string): Source | undefined {
  const name = `${ref.uri} ${argument}`;
  return ref.type === 'ref/resource' && Object.hasOwn(SOURCES, name) ? SOURCES[name] : undefined;
}

/** Returns the values that begin with what was typed, then those that contain it, without regard to case. */
export function complete(values: readonly string[], typed: string) {
  const part = typed.toLowerCase();
  const position = (value: string) => value.toLowerCase().indexOf(part);
  const matching = values.filter((value) => position(value) >= 0);
  const ranked = [
    ...matching.filter((value) => position(value) === 0),
    ...matching.filter((value) => position(value) > 0),
  ];
  return { values: ranked.slice(0, VALUES_MAX), total: ranked.length, hasMore: ranked.length > VALUES_MAX };
}
