import { findNodeAtLocation, type Node, type ParseError, parseTree, printParseErrorCode } from 'jsonc-parser';
import type { Json } from '../../client-setup/edits.ts';

/**
 * Parses a JSON text that may have comments and trailing commas.
 * @throws Error with the line that is not JSON
 */
export function parseJsonTree(text: string): Node {
  const errors: ParseError[] = [];
  const root = parseTree(text, errors, { allowTrailingComma: true });
  const [error] = errors;
  if (root && !error) return root;
  const line = text.slice(0, error?.offset).split('\n').length;
  throw new Error(`line ${line} is not valid JSON${error ? ` (${printParseErrorCode(error.error)})` : ''}`);
}

/** Replaces the text of a value. */
export function replaceValue(text: string, node: Node, value: Json): string {
  return text.slice(0, node.offset) + valueText(text, value, indentAt(text, node.offset)) + text.slice(endOf(node));
}

/** Adds a property or an item at the end of an object or a list. Comments stay with the lines at which they stand. */
export function append(text: string, parent: Node, key: string | undefined, value: Json): string {
  const last = parent.children?.at(-1);
  const closing = endOf(parent) - 1;
  const isOneLine = last !== undefined && !text.slice(parent.offset, closing).includes('\n');
  const label = key === undefined ? '' : `${JSON.stringify(key)}: `;
  if (isOneLine) {
    const { comma } = tokensAfter(text, endOf(last));
    const at = comma ?? endOf(last);
    const added = `${label}${JSON.stringify(value)}`;
    return `${text.slice(0, at)}${comma === undefined ? `, ${added}` : ` ${added},`}${text.slice(at)}`;
  }
  const eol = eolOf(text);
  const outer = indentAt(text, parent.offset);
  const indent = last ? indentAt(text, last.offset) : outer + indentUnit(text);
  const { comma, lineEnd } = tokensAfter(text, last ? endOf(last) : parent.offset + 1);
  const added = `${eol}${indent}${label}${valueText(text, value, indent)}`;
  const rest = text.slice(lineEnd);
  const closes = rest.slice(0, closing - lineEnd).includes('\n') ? rest : `${eol}${outer}${rest.trimStart()}`;
  if (!last) return text.slice(0, lineEnd) + added + closes;
  if (comma !== undefined) return `${text.slice(0, lineEnd)}${added},${closes}`;
  return `${text.slice(0, endOf(last))},${text.slice(endOf(last), lineEnd)}${added}${closes}`;
}

/** Removes a property or an item, with its comma. */
export function removeNode(text: string, node: Node): string {
  const siblings = node.parent?.children ?? [];
  const previous = siblings[siblings.indexOf(node) - 1];
  const { comma } = tokensAfter(text, endOf(node));
  const from = startOfLine(text, node.offset);
  const to = comma ?? endOf(node);
  if (comma !== undefined || !previous) {
    // An item in the middle of a line takes the space after it along.
    const gap = /^[ \t]*/.exec(text.slice(to))?.[0].length ?? 0;
    return from === undefined
      ? text.slice(0, node.offset) + text.slice(to + gap)
      : text.slice(0, from) + text.slice(to);
  }
  const before = (tokensAfter(text, endOf(previous)).comma ?? endOf(previous)) - 1;
  return text.slice(0, before) + text.slice(before + 1, from ?? before + 1) + text.slice(to);
}

/** Returns the property of an object, or the item of a list. */
export function findEntry(root: Node, at: readonly (string | number)[]): Node | undefined {
  const node = findNodeAtLocation(root, [...at]);
  return node?.parent?.type === 'property' ? node.parent : node;
}

/** A comma, a comment, a line break or blanks. */
const BETWEEN = /(,)|(\/\/[^\r\n]*|\/\*[\s\S]*?\*\/)|(\r?\n)|[ \t]+/y;

/** Returns the position after the comma that follows, and the one after the comments that stand on the same line. */
function tokensAfter(text: string, offset: number): { comma: number | undefined; lineEnd: number } {
  let comma: number | undefined;
  let lineEnd = offset;
  let isSameLine = true;
  for (let at = offset; ; at = BETWEEN.lastIndex) {
    BETWEEN.lastIndex = at;
    const found = BETWEEN.exec(text);
    if (!found || (found[1] && comma !== undefined)) return { comma, lineEnd };
    if (found[1]) comma = BETWEEN.lastIndex;
    if (found[3]) isSameLine = false;
    else if (isSameLine && (found[1] || found[2])) lineEnd = BETWEEN.lastIndex;
  }
}

function endOf(node: Node): number {
  return node.offset + node.length;
}

/** Returns the position of the line break before an offset if only blanks are between them. */
function startOfLine(text: string, offset: number): number | undefined {
  const blank = /\r?\n[ \t]*$/.exec(text.slice(0, offset))?.[0];
  return blank === undefined ? undefined : offset - blank.length;
}

function valueText(text: string, value: Json, indent: string): string {
  return JSON.stringify(value, null, indentUnit(text)).replaceAll('\n', eolOf(text) + indent);
}

function indentAt(text: string, offset: number): string {
  return /[ \t]*/.exec(text.slice(text.lastIndexOf('\n', offset - 1) + 1))?.[0] ?? '';
}

function indentUnit(text: string): string {
  return /^([ \t]+)\S/m.exec(text)?.[1] ?? '  ';
}

function eolOf(text: string): string {
  return text.includes('\r\n') ? '\r\n' : '\n';
}
