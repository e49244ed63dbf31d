import { isDeepStrictEqual } from 'node:util';
import { parse } from 'smol-toml';
import type { Json } from '../../client-setup/edits.ts';

type Table = { [key: string]: unknown };

/** Header of a table: `[a.b]` or `[[a.b]]`, with the comment after it. */
const HEADER = /^[ \t]*\[\[?([^\r\n]*?)\]\]?[ \t]*(?:#[^\r\n]*)?$/;

/**
 * Sets or removes a table of a TOML text. The table is cut out with the tables in it, and the new one is put at the end, so that comments
 * and other entries stay as they are. The result is read again: if it does not say precisely what was meant, the change is rejected.
 * @param at path of the table, such as `mcp_servers`, `whitemagic`
 * @throws Error when the text is not TOML, or its form does not allow the change
 */
export function editToml(text: string, at: readonly string[], value: Json | undefined): string {
  const before = read(text);
  const wanted = withValue(before, at, value);
  if (isDeepStrictEqual(before, wanted)) return text;
  const eol = text.includes('\r\n') ? '\r\n' : '\n';
  const rest = cutTable(text, at);
  const gap = rest === '' ? '' : rest.endsWith(eol + eol) ? '' : rest.endsWith(eol) ? eol : eol + eol;
  const result = value === undefined ? rest : rest + gap + tableText(at, value as Table, eol);
  if (isDeepStrictEqual(tryRead(result), wanted)) return result;
  throw new Error(`"${at.join('.')}" stands in a form that cannot be changed: remove it by hand first`);
}

/** Returns the value at a path, undefined where there is none. @throws Error when the text is not TOML */
export function readToml(text: string, at: readonly string[]): unknown {
  return at.reduce<unknown>((value, key) => (value as Table | undefined)?.[key], read(text));
}

function read(text: string): Table {
  try {
    // A plain object, as the comparison needs it.
    return JSON.parse(JSON.stringify(parse(text))) as Table;
  } catch (error) {
    throw new Error(`it is not valid TOML (${error instanceof Error ? error.message.split('\n')[0] : error})`);
  }
}

function tryRead(text: string): Table | undefined {
  try {
    return read(text);
  } catch {
    return undefined;
  }
}

/** Returns a copy of a table with a value set at a path, or removed. Tables that become empty are removed too. */
function withValue(table: Table, [key, ...rest]: readonly string[], value: unknown): Table {
  if (key === undefined) return table;
  const { [key]: present, ...others } = table;
  const next = rest.length === 0 ? value : withValue((present as Table | undefined) ?? {}, rest, value);
  const isGone = next === undefined || (value === undefined && Object.keys(next as Table).length === 0);
  return isGone ? others : { ...table, [key]: next };
}

/** Cuts out a table and the tables in it, up to the next header, with the empty lines before it. Comments before that header stay. */
function cutTable(text: string, at: readonly string[]): string {
  const kept: string[] = [];
  let cut: string[] | undefined;
  for (const line of text.split(/(?<=\n)/)) {
    const header = HEADER.exec(line.replace(/\r?\n$/, ''))?.[1];
    if (header !== undefined && cut) kept.push(...trailingComments(cut));
    if (header !== undefined) cut = startsWith(keysOf(header), at) ? [] : undefined;
    if (header !== undefined && cut) while (kept.at(-1)?.trim() === '' && kept.length > 0) kept.pop();
    (cut ?? kept).push(line);
  }
  if (cut) kept.push(...trailingComments(cut));
  return kept.join('');
}

/** Returns the comments and empty lines at the end of a table, which belong to what follows. */
function trailingComments(lines: readonly string[]): readonly string[] {
  const last = lines.findLastIndex((line) => line.trim() !== '' && !line.trimStart().startsWith('#'));
  const rest = lines.slice(last + 1);
  return rest.length > 0 && rest.every((line) => line.trim() === '') ? rest.slice(0, 1) : rest;
}

function keysOf(header: string): string[] {
  return [...header.matchAll(/"([^"]*)"|'([^']*)'|([^\s."']+)/g)].map(
    ([, double, single, bare]) => double ?? single ?? bare ?? '',
  );
}

function startsWith(keys: readonly string[], at: readonly string[]): boolean {
  return at.every((key, index) => keys[index] === key);
}

/** Writes a table with its values, then each table in it. */
function tableText(at: readonly string[], table: Table, eol: string): string {
  const isTable = (value: unknown) => typeof value === 'object' && value !== null && !Array.isArray(value);
  const entries = Object.entries(table);
  const values = entries.filter(([, value]) => !isTable(value));
  const own = [
    `[${at.map(keyText).join('.')}]`,
    ...values.map(([key, value]) => `${keyText(key)} = ${JSON.stringify(value)}`),
  ];
  const tables = entries
    .filter(([, value]) => isTable(value))
    .map(([key, value]) => tableText([...at, key], value as Table, eol));
  return [...(values.length > 0 ? [own.map((line) => line + eol).join('')] : []), ...tables].join(eol);
}

function keyText(key: string): string {
  return /^[A-Za-z0-9_-]+$/.test(key) ? key : JSON.stringify(key);
}
