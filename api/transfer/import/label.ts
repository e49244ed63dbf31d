import { isObject } from './record.ts';

const LENGTH_MAX = 80;
const KEYS = ['title', 'name', 'path', 'id', 'uuid', 'memory_id', 'memory', 'content', 'fact', 'text'];

/** Shortens a text to the label of a record: one line of at most 80 characters that PostgreSQL can store. */
export function shortLabel(text: string): string {
  const line = text
    .slice(0, 4 * LENGTH_MAX)
    .replace(/[\p{Cc}\p{Surrogate}\s]+/gu, ' ')
    .trim();
  const characters = [...line];
  return characters.length > LENGTH_MAX ? `${characters.slice(0, LENGTH_MAX - 1).join('')}…` : line;
}

/** Returns a label for a record of any format: its title, path, id or text; else its line. */
export function labelOf(value: unknown, line: number): string {
  const get = (key: string) =>
    value instanceof Map ? value.get(key) : isObject(value) && Object.hasOwn(value, key) ? value[key] : '';
  const text = KEYS.map(get).find((one) => typeof one === 'string' && shortLabel(one) !== '');
  return typeof text === 'string' ? shortLabel(text) : `line ${line}`;
}
