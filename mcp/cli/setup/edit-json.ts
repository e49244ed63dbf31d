import { findNodeAtLocation, getNodeValue } from 'jsonc-parser';
import type { Edit, Json } from '../../client-setup/edits.ts';
import { append, findEntry, parseJsonTree, removeNode, replaceValue } from './json-text.ts';

type JsonEdit = Extract<Edit, { kind: 'set' | 'items' }>;

const BOM = '\uFEFF';

/**
 * Makes a change in a JSON text, which may have comments and trailing commas. What the change does not concern stays as it is, to the
 * byte.
 * @throws Error when the text is not JSON, or has a value where the path needs an object
 */
export function editJson(text: string, edit: JsonEdit, action: 'add' | 'remove'): string {
  const bom = text.startsWith(BOM) ? BOM : '';
  const body = text.slice(bom.length);
  if (body.trim() === '') return action === 'remove' ? text : `${bom}${add('{}', edit)}\n`;
  return bom + (action === 'add' ? add : remove)(body, edit);
}

/** Returns the value at a path, undefined where there is none. @throws Error when the text is not JSON */
export function readJson(text: string, at: readonly string[]): unknown {
  const body = text.startsWith(BOM) ? text.slice(1) : text;
  if (body.trim() === '') return undefined;
  const node = findNodeAtLocation(parseJsonTree(body), [...at]);
  return node && getNodeValue(node);
}

function add(text: string, edit: JsonEdit): string {
  if (edit.kind === 'set') return setValue(text, edit.at, edit.value);
  const present = readJson(text, edit.at);
  if (present === undefined) return edit.onlyIfPresent ? text : setValue(text, edit.at, edit.items);
  if (!Array.isArray(present)) throw new Error(`"${edit.at.join('.')}" is not a list`);
  const wanted = edit.items.map((item) => JSON.stringify(item));
  const isOutdated = (item: unknown) => edit.isOurs(item) && !wanted.includes(JSON.stringify(item));
  if (edit.replacesOurs && present.some(isOutdated)) {
    return add(remove(text, { ...edit, isOurs: isOutdated }), { ...edit, replacesOurs: false });
  }
  const texts = present.map((item) => JSON.stringify(item));
  const missing = edit.items.filter((item) => !texts.includes(JSON.stringify(item)));
  return missing.reduce<string>(
    (before, item) => append(before, nodeAt(before, edit.at, 'array'), undefined, item),
    text,
  );
}

function remove(text: string, edit: JsonEdit): string {
  const root = parseJsonTree(text);
  if (edit.kind === 'set') {
    if (edit.isKept) return text;
    const entry = findEntry(root, edit.at);
    return entry ? prune(removeNode(text, entry), edit.at.slice(0, -1)) : text;
  }
  const present = readJson(text, edit.at);
  if (!Array.isArray(present)) return text;
  const ours = present.flatMap((item, index) => (edit.isOurs(item) ? [index] : [])).reverse();
  const rest = ours.reduce((before, index) => {
    const entry = findEntry(parseJsonTree(before), [...edit.at, index]);
    return entry ? removeNode(before, entry) : before;
  }, text);
  return ours.length > 0 ? prune(rest, edit.at) : text;
}

/** Removes the objects and lists of a path that have become empty, the innermost first. One with a comment stays. */
function prune(text: string, at: readonly string[]): string {
  if (at.length === 0) return text;
  const root = parseJsonTree(text);
  const node = findNodeAtLocation(root, [...at]);
  const entry = findEntry(root, at);
  if (!node || !entry || !/^[{[]\s*[}\]]$/.test(text.slice(node.offset, node.offset + node.length))) return text;
  return prune(removeNode(text, entry), at.slice(0, -1));
}

/** Sets a value. Objects that the path needs are created. */
function setValue(text: string, at: readonly string[], value: Json): string {
  const root = parseJsonTree(text);
  const present = findNodeAtLocation(root, [...at]);
  if (present) {
    const isSame = JSON.stringify(getNodeValue(present)) === JSON.stringify(value);
    return isSame ? text : replaceValue(text, present, value);
  }
  const depth = at.findIndex((_key, index) => findNodeAtLocation(root, at.slice(0, index + 1)) === undefined);
  const parent = nodeAt(text, at.slice(0, depth), 'object');
  const rest = at.slice(depth + 1).reverse();
  return append(
    text,
    parent,
    at[depth],
    rest.reduce<Json>((inner, key) => ({ [key]: inner }), value),
  );
}

/** Returns the object or list at a path. @throws Error when another value is there */
function nodeAt(text: string, at: readonly string[], type: 'object' | 'array') {
  const node = findNodeAtLocation(parseJsonTree(text), [...at]);
  if (node?.type !== type)
    throw new Error(
      `${at.length > 0 ? `"${at.join('.')}"` : 'the file'} is not ${type === 'array' ? 'a list' : 'an object'}`,
    );
  return node;
}
