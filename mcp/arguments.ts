import type { JsonSchema } from '../api/contracts/json-schema.ts';
import { parseJson as parseExactJson } from '../api/contracts/parse-json.ts';

/** The argument that stands for the contract's null: `project: "none"` means "of no project". */
const NONE = 'none';

/** The arguments of a tool call as the contract reads them. */
interface NormalizedArguments {
  input: Record<string, unknown>;
  /** Names of unknown arguments, which are left out of the input. */
  ignored: string[];
}

/**
 * Normalizes arguments as MCP clients send them, without loss: null and an empty string for an optional argument mean that
 * it is left out; a JSON string is parsed where an array, object, number or boolean is due; `"none"` is null where the
 * contract has null; unknown arguments are dropped. Anything else stays as it is, for the contract to accept or reject.
 * @param schema JSON Schema of the contract's input
 */
export function normalizeArguments(schema: JsonSchema, raw: Record<string, unknown>): NormalizedArguments {
  const ignored: string[] = [];
  return { input: normalizeObject(schema, raw, '', ignored), ignored };
}

/** Converts a contract's JSON Schema to one that every MCP client accepts: without type unions and integer enums. */
export function portableSchema(node: JsonSchema): JsonSchema {
  const types = [node.type].flat();
  const isNullable = types.includes('null');
  const portable: JsonSchema = { ...node };
  if (isNullable) {
    portable.type = types.find((type) => type !== 'null');
    // "none" must be valid where the contract has null.
    delete portable.format;
    if (typeof node.description === 'string') {
      portable.description = node.description.replace(/`null`|\bnull\b/gi, `"${NONE}"`);
    }
  }
  if (Array.isArray(node.enum)) Object.assign(portable, portableEnum(portable, node.enum));
  if (node.properties) {
    const properties = Object.entries(node.properties).map(([name, child]) => [name, portableSchema(child)]);
    portable.properties = Object.fromEntries(properties);
  }
  if (isObject(node.items)) portable.items = portableSchema(node.items);
  return portable;
}

function portableEnum(node: JsonSchema, choices: unknown[]): JsonSchema {
  const values = choices.filter((choice) => choice !== null);
  if (!values.every(Number.isInteger)) return { enum: values };
  delete node.enum;
  const numbers = values as number[];
  return { type: 'integer', minimum: Math.min(...numbers), maximum: Math.max(...numbers) };
}

function normalizeObject(
  schema: JsonSchema,
  value: Record<string, unknown>,
  path: string,
  ignored: string[],
): Record<string, unknown> {
  const { properties = {}, required = [], additionalProperties } = schema;
  const entries: [string, unknown][] = [];
  for (const [name, given] of Object.entries(value)) {
    const property = Object.hasOwn(properties, name) ? properties[name] : undefined;
    if (!property) {
      if (additionalProperties === false) ignored.push(`${path}${name}`);
      else entries.push([name, given]);
      continue;
    }
    const normalized = normalizeValue(property, given, `${path}${name}.`, ignored);
    const isOptional = !(required as string[]).includes(name);
    if (normalized === undefined || (normalized === '' && isOptional)) continue;
    entries.push([name, normalized]);
  }
  // fromEntries makes an own property of `__proto__` too, which the contract rejects.
  return Object.fromEntries(entries);
}

/** Returns the value as its schema has it; undefined for a null, which means that it is left out. */
function normalizeValue(schema: JsonSchema, given: unknown, path: string, ignored: string[]): unknown {
  const types = [schema.type].flat();
  const isStructured = types.length > 0 && !types.includes('string') && schema.type !== undefined;
  const value = isStructured && typeof given === 'string' ? parsed(given, types) : given;
  if (value === null) return undefined;
  if (value === NONE && types.includes('null')) return null;
  if (Array.isArray(value) && isObject(schema.items)) {
    const { items } = schema;
    return value
      .map((item) => normalizeValue(items as JsonSchema, item, path, ignored))
      .filter((item) => item !== undefined);
  }
  if (isObject(value) && schema.properties) return normalizeObject(schema, value, path, ignored);
  return value;
}

/** Parses a JSON string if its value has one of the types, or is null; returns it unchanged otherwise. */
function parsed(text: string, types: unknown[]): unknown {
  const value = parseJson(types.includes('boolean') ? text.toLowerCase() : text);
  const type = Array.isArray(value) ? 'array' : typeof value === 'number' ? 'number' : typeof value;
  const isDue = types.includes(type) || (type === 'number' && types.includes('integer'));
  return value === null || isDue ? value : text;
}

/** Parses JSON without rounding large integers; undefined for other text. */
export function parseJson(text: string): unknown {
  try {
    return parseExactJson(text);
  } catch {
    return undefined;
  }
}

/** Returns whether a value is a JSON object. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
