import { z } from 'zod';

export type JsonSchema = Record<string, unknown> & { properties?: Record<string, JsonSchema> };

/**
 * Converts a schema to JSON Schema 2020-12. It is shortened for models, which pay per token: a format replaces its pattern,
 * and `null` beside one type becomes a type list instead of an `anyOf`.
 * @param options.formats whether to describe a field with several `formats` by all of them. MCP clients reject such unions.
 */
export function jsonSchema(schema: z.ZodType, io: 'input' | 'output', options: { formats?: boolean } = {}): JsonSchema {
  const { $schema: _dialect, ...json } = z.toJSONSchema(schema, {
    io,
    unrepresentable: 'any',
    override: ({ zodSchema, jsonSchema: node }) => {
      const { documentedAs, formats } = z.globalRegistry.get(zodSchema) ?? {};
      delete node.documentedAs;
      delete node.formats;
      if (documentedAs) Object.assign(node, jsonSchema(documentedAs as z.ZodType, io, options));
      if (formats && options.formats) node.anyOf = (formats as string[]).map((format) => ({ format }));
    },
  });
  // Not in the override, where a schema that several fields share may be incomplete.
  trim(json as JsonSchema);
  return json as JsonSchema;
}

function trim(node: JsonSchema): void {
  const { properties = {}, items, additionalProperties, anyOf = [] } = node;
  for (const child of [...Object.values(properties), items, additionalProperties, ...(anyOf as unknown[])]) {
    if (typeof child === 'object' && child !== null) trim(child as JsonSchema);
  }
  collapseNull(node);
  if (node.format) delete node.pattern;
  if (additionalProperties && Object.keys(additionalProperties).length === 0) delete node.additionalProperties;
  if (node.minimum === Number.MIN_SAFE_INTEGER) delete node.minimum;
  if (node.maximum === Number.MAX_SAFE_INTEGER) delete node.maximum;
  if (node.propertyNames && Object.keys(node.propertyNames).join() === 'type') delete node.propertyNames;
}

function collapseNull(node: JsonSchema): void {
  const choices = node.anyOf as JsonSchema[] | undefined;
  if (choices?.length !== 2) return;
  const other = choices.find((choice) => choice.type !== 'null');
  if (!other || !choices.some((choice) => choice.type === 'null') || typeof other.type !== 'string') return;
  delete node.anyOf;
  // The description of the field takes precedence over that of its type.
  Object.assign(node, { ...other, ...node }, { type: [other.type, 'null'] });
  if (Array.isArray(other.enum)) node.enum = [...other.enum, null];
}
