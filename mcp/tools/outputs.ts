import { z } from 'zod';
import { created, list, memory } from '../../api/contracts/memories.ts';
import { search } from '../../api/contracts/search.ts';

// The fields that tools return: of a write those that the model does not know yet, of a read those that help to choose. get_memory returns all.

const TAGS_BYTES = 1_000;

const tags = z
  .preprocess((all) => firstTags(all as string[]), z.array(z.string()))
  .meta({ description: 'The first of them, where there are many.' });

export const shownMemory = z.object({
  ...memory.pick({ id: true, type: true, status: true, version: true }).shape,
  tags,
});

export const shownCreated = z.object({
  ...created.pick({ id: true, type: true, version: true, deduplicated: true, similar: true, changed: true }).shape,
  tags,
});

const { results: listed, ...listPage } = list.output.shape;
export const shownList = z.object({
  results: z.array(
    z.object({
      ...listed.element.pick({
        id: true,
        type: true,
        status: true,
        title: true,
        content: true,
        tags: true,
        project: true,
        occurred_at: true,
        created_at: true,
        superseded_by: true,
        truncated: true,
      }).shape,
    }),
  ),
  ...listPage,
});

const { results: found, total_relation, ...searchPage } = search.output.shape;
export const shownSearch = z.object({
  results: z.array(
    z.object({
      ...found.element.pick({
        id: true,
        title: true,
        snippet: true,
        score: true,
        matched: true,
        type: true,
        status: true,
        tags: true,
        project: true,
        occurred_at: true,
        created_at: true,
        superseded_by: true,
      }).shape,
    }),
  ),
  ...searchPage,
});

function firstTags(all: readonly string[]): string[] {
  let left = TAGS_BYTES;
  return all.filter((tag) => {
    left -= Buffer.byteLength(JSON.stringify(tag)) + 1;
    return left >= 0;
  });
}
