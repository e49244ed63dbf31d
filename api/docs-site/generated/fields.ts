import type { JsonSchema } from '../../contracts/json-schema.ts';
import { markdownTable } from './markdown-table.ts';

/** Writes a table of the fields of a schema, nested ones as `results[].id`. */
export function fieldTable(schema: JsonSchema, isInput: boolean): string {
  const rows = fieldsOf(schema, '').map(({ path, node, required }) => [
    `\`${path}\``,
    `${typeOf(node)}${isInput && required ? ', required' : ''}`,
    describe(node),
  ]);
  return markdownTable(['field', 'type', 'description'], rows);
}

interface Field {
  path: string;
  node: JsonSchema;
  required: boolean;
}

function fieldsOf(schema: JsonSchema, prefix: string): Field[] {
  const required = new Set((schema.required as string[] | undefined) ?? []);
  return Object.entries(schema.properties ?? {}).flatMap(([name, node]) => {
    const path = `${prefix}${name}`;
    const items = node.items as JsonSchema | undefined;
    return [
      { path, node, required: required.has(name) },
      ...fieldsOf(node, `${path}.`),
      ...(items ? fieldsOf(items, `${path}[].`) : []),
    ];
  });
}

/** Names the type of a field for people: `string (uuid) or null`. */
export function typeOf(node: JsonSchema): string {
  const choices = (node.enum ?? (node.const === undefined ? undefined : [node.const])) as unknown[] | undefined;
  if (choices) return choices.map((choice) => `\`${JSON.stringify(choice)}\``).join(' or ');
  const types = [node.type ?? []].flat() as string[];
  const formats = [node.format, ...((node.anyOf as JsonSchema[] | undefined) ?? []).map(({ format }) => format)]
    .filter((format) => format !== undefined)
    .join(' or ');
  const names = types.map((type) => {
    if (type === 'array') return `array of ${plural(node.items as JsonSchema | undefined)}`;
    if (type === 'string' && formats) return `string (${formats})`;
    return type;
  });
  return names.join(' or ') || 'any value';
}

function plural(items: JsonSchema | undefined): string {
  const type = items ? typeOf(items) : 'values';
  return /^(string|integer|number|object)$/.test(type) ? `${type}s` : type;
}

/** Describes a field: its text, its bounds and its default. */
function describe(node: JsonSchema): string {
  const { minLength, maxLength, minItems, maxItems, minimum, maximum } = node as Record<string, number | undefined>;
  const bounds = [
    range(minLength === 1 ? undefined : minLength, maxLength, 'characters'),
    range(minItems, maxItems, 'items'),
    range(minimum, maximum, ''),
  ].filter((bound) => bound !== '');
  const fallback = node.default;
  const isWorthIt = fallback !== undefined && !/Default:/.test(node.description as string);
  return [
    sentence((node.description as string | undefined) ?? ''),
    ...bounds,
    isWorthIt ? `Default: \`${JSON.stringify(fallback)}\`.` : '',
  ]
    .filter((part) => part !== '')
    .join(' ');
}

function range(min: number | undefined, max: number | undefined, unit: string): string {
  const shown = (value: number) => value.toLocaleString('en-US');
  const text = unit && ` ${unit}`;
  if (min !== undefined && max !== undefined) return `${shown(min)} to ${shown(max)}${text}.`;
  if (max !== undefined) return `At most ${shown(max)}${text}.`;
  return min !== undefined ? `At least ${shown(min)}${text}.` : '';
}

function sentence(text: string): string {
  return text === '' || /[.!?]$/.test(text) ? text : `${text}.`;
}
