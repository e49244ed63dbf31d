import { z } from 'zod';
import { created, memory } from '../../api/contracts/memories.ts';

/** What a write answers to a model: it knows the text, since it sent it. */
export const shownMemory = z.object(
  memory.pick({ id: true, type: true, status: true, tags: true, version: true }).shape,
);

export const shownCreated = z.object(
  created.pick({ id: true, type: true, tags: true, version: true, deduplicated: true, changed: true }).shape,
);
