import type { ImportFormat } from '../../../contracts/import.ts';
import type { Format } from '../draft.ts';
import { markdown } from './markdown.ts';
import { mem0 } from './mem0.ts';
import { serverMemory } from './server-memory.ts';
import { supermemory } from './supermemory.ts';
import { csv, jsonl } from './table.ts';
import { whitemagic } from './whitemagic.ts';
import { zep } from './zep.ts';

/** All formats, the most specific first: detection takes the first one that matches. */
export const FORMATS: readonly Format[] = [whitemagic, markdown, serverMemory, zep, supermemory, mem0, csv, jsonl];

/** Returns the format of a name. */
export function formatOf(name: ImportFormat): Format {
  return FORMATS.find((format) => format.name === name) as Format;
}
