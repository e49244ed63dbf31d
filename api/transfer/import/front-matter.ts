import { parseDocument } from 'yaml';
import { isObject } from './record.ts';

/** Largest front matter, in characters. */
const LENGTH_MAX = 65_536;
const BLOCK = /^---[ \t]*\r?\n([\s\S]*?)(?:^|\r?\n)---[ \t]*(?:\r?\n|$)/;

/** A Markdown text without its front matter, and the values of that. */
export interface FrontMatter {
  values: Record<string, unknown>;
  body: string;
}

/** Splits a Markdown text. A block that is not valid YAML stays part of the body. */
export function splitFrontMatter(text: string): FrontMatter {
  const head = text.startsWith('---') ? BLOCK.exec(text.slice(0, LENGTH_MAX)) : null;
  if (!head) return { values: {}, body: text };
  // Aliases could expand to any size.
  const document = parseDocument(head[1] ?? '', { schema: 'core', uniqueKeys: false, logLevel: 'silent' });
  const values = document.errors.length > 0 ? undefined : toValues(document);
  if (values === undefined) return { values: {}, body: text };
  return { values, body: text.slice(head[0].length).replace(/^\s*\n/, '') };
}

function toValues(document: ReturnType<typeof parseDocument>): Record<string, unknown> | undefined {
  try {
    const value: unknown = document.toJS({ maxAliasCount: 0 }) ?? {};
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
